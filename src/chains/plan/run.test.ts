import { describe, expect, it } from 'vitest';
import { annotations, finalizers, legacyFinalizer } from '../annotations.ts';
import { parseChainsConfig } from '../config/parse.ts';
import { childOf, concluded, pipelineRun, seal, taskRun } from '../reconciler/world.fake.ts';
import { writeMark } from './mark.ts';
import { childrenOfKind, planRun, type RunDecision, type RunFacts, type RunState } from './run.ts';

const now = new Date('2026-01-01T00:01:00Z');
const running = { conditions: [{ type: 'Succeeded', status: 'Unknown' as const }] };
const failedStatus = {
  conditions: [{ type: 'Succeeded', status: 'False' as const }],
  completionTime: '2026-01-01T00:00:59Z',
};
const ours = [finalizers.taskrun];

function again(attempts: number, next: string, uid = 'uid-a'): Record<string, string> {
  return { [annotations.mark]: writeMark({ kind: 'again', attempts, next: new Date(next) }, uid, seal) };
}

function decide(
  run: RunState,
  more: Partial<Omit<RunFacts, 'config'>> & { data?: Record<string, string> } = {},
): RunDecision {
  const { data, ...rest } = more;
  return planRun({
    kind: run.kind === 'TaskRun' ? 'taskrun' : 'pipelinerun',
    run,
    children: [],
    config: parseChainsConfig(data).config,
    seal,
    now,
    ...rest,
  });
}

describe('what is done with a TaskRun', () => {
  const rows: [name: string, run: RunState, expected: RunDecision, more?: Parameters<typeof decide>[1]][] = [
    ['done', taskRun('a'), { kind: 'sign', attempt: 1 }],
    ['failed runs are attested too', taskRun('a', { status: failedStatus }), { kind: 'sign', attempt: 1 }],
    ['signed', taskRun('a', { annotations: concluded('uid-a') }), { kind: 'leave' }],
    ['given up', taskRun('a', { annotations: concluded('uid-a', 'failed') }), { kind: 'leave' }],
    [
      "signed with another word than upstream's two",
      taskRun('a', { annotations: { [annotations.signed]: 'no' } }),
      { kind: 'sign', attempt: 1 },
    ],
    [
      'signed, and upstream left its finalizer',
      taskRun('a', { annotations: concluded('uid-a'), finalizers: ours }),
      { kind: 'release' },
    ],
    [
      'signed, and an early upstream left its finalizer',
      taskRun('a', { annotations: concluded('uid-a'), finalizers: [legacyFinalizer] }),
      { kind: 'release' },
    ],
    [
      "signed, with another's finalizer",
      taskRun('a', { annotations: concluded('uid-a'), finalizers: ['x/y'] }),
      { kind: 'leave' },
    ],
    ['new', taskRun('a', { status: running, creationTimestamp: '2026-01-01T00:00:59Z' }), { kind: 'later', ms: 1000 }],
    ['running for a while', taskRun('a', { status: running }), { kind: 'protect' }],
    ['running and protected', taskRun('a', { status: running, finalizers: ours }), { kind: 'leave' }],
    [
      'running, nothing would be made of it',
      taskRun('a', { status: running }),
      { kind: 'leave' },
      { data: { 'artifacts.taskrun.storage': '', 'artifacts.oci.signer': 'none' } },
    ],
    [
      'deleted while running',
      taskRun('a', { status: running, finalizers: ours, deletionTimestamp: '2026-01-01T00:00:30Z' }),
      { kind: 'release' },
    ],
    [
      'deleted when done',
      taskRun('a', { finalizers: ours, deletionTimestamp: '2026-01-01T00:00:59Z' }),
      { kind: 'sign', attempt: 1 },
    ],
    ['opted out', taskRun('a', { annotations: { [annotations.sign]: 'false' } }), { kind: 'leave' }],
    [
      'opted out after it was protected',
      taskRun('a', { annotations: { [annotations.sign]: 'false' }, finalizers: ours }),
      { kind: 'release' },
    ],
    [
      'its PipelineRun is opted out',
      taskRun('a', childOf('p')),
      { kind: 'leave' },
      { parent: pipelineRun('p', ['a'], { annotations: { [annotations.sign]: 'false' } }) },
    ],
    [
      'its PipelineRun is opted out, itself not',
      taskRun('a', { ...childOf('p'), annotations: { [annotations.sign]: 'true' } }),
      { kind: 'sign', attempt: 1 },
      { parent: pipelineRun('p', ['a'], { annotations: { [annotations.sign]: 'false' } }) },
    ],
    ['of another controller', taskRun('a', { spec: { managedBy: 'other' }, finalizers: ours }), { kind: 'leave' }],
    [
      'of another controller that is listed',
      taskRun('a', { spec: { managedBy: 'other' } }),
      { kind: 'sign', attempt: 1 },
      { data: { 'filter.managed-by': 'x, other' } },
    ],
    [
      'of Pipelines by name',
      taskRun('a', { spec: { managedBy: 'tekton.dev/pipeline' } }),
      { kind: 'sign', attempt: 1 },
    ],
    [
      'disabled types are marked as well',
      taskRun('a'),
      { kind: 'sign', attempt: 1 },
      { data: { 'artifacts.taskrun.storage': '', 'artifacts.oci.signer': 'none' } },
    ],
    [
      'to be tried again in 4 s',
      taskRun('a', { annotations: again(2, '2026-01-01T00:01:04Z') }),
      { kind: 'later', ms: 4000 },
    ],
    [
      'due to be tried again',
      taskRun('a', { annotations: again(2, '2026-01-01T00:01:00Z') }),
      { kind: 'sign', attempt: 3 },
    ],
    [
      'to be tried again by a clock that was wrong',
      taskRun('a', { annotations: again(2, '2027-01-01T00:00:00Z') }),
      { kind: 'sign', attempt: 3 },
    ],
    [
      'given up, then "signed" was removed',
      taskRun('a', { annotations: { ...concluded('uid-a', 'failed'), [annotations.signed]: undefined as never } }),
      { kind: 'sign', attempt: 1 },
    ],
  ];
  it.each(rows)('%s', (_name, run, expected, more) => {
    expect(decide(run, more)).toEqual(expected);
  });
});

describe('what users write on their run', () => {
  const far = '2026-01-01T00:05:00Z';
  const rows: [name: string, annotations: Record<string, string>][] = [
    ['a mark of their own', { [annotations.signed]: 'true' }],
    ['that it failed for good', { [annotations.signed]: 'failed' }],
    ["another run's mark", concluded('uid-b')],
    ['a mark for another word', { ...concluded('uid-a', 'failed'), [annotations.signed]: 'true' }],
    ['a mark that is waiting', { ...again(1, '2026-01-01T00:00:00Z'), [annotations.signed]: 'true' }],
    ["another run's pause", again(4, far, 'uid-b')],
    ['a mark of any length', { [annotations.signed]: 'true', [annotations.mark]: 'x'.repeat(100_000) }],
    ['failures, as upstream counts them', { [annotations.retries]: '3' }],
    [
      'when to try again',
      {
        [annotations.problems]: `{"failedAttempts":4,"nextAttempt":"${far}","problems":[]}`,
        [annotations.retries]: '3',
      },
    ],
    ['rubbish', { [annotations.retries]: 'x', [annotations.problems]: '{{', [annotations.mark]: '.' }],
  ];
  it.each(rows)('%s does not keep it from being signed, nor counts as an attempt', (_name, found) => {
    const { attempt } = decide(taskRun('a', { annotations: found })) as { attempt: number };
    expect(attempt).toBe(_name.includes('waiting') ? 2 : 1);
  });

  it('is believed of runs that ended before there were marks, as upstream signed them', () => {
    const later = { seal: { ...seal, since: now } };
    for (const value of ['true', 'failed'])
      expect(decide(taskRun('a', { annotations: { [annotations.signed]: value } }), later)).toEqual({ kind: 'leave' });
    const unfinished = taskRun('a', { annotations: { [annotations.signed]: 'true' }, status: running });
    expect(decide(unfinished, later)).toEqual({ kind: 'protect' });
  });

  it('cannot opt it out where the operator forbids that', () => {
    const run = taskRun('a', { ...childOf('p'), annotations: { [annotations.sign]: 'false' } });
    const parent = pipelineRun('p', ['a'], { annotations: { [annotations.sign]: 'false' } });
    for (const value of ['forbid', 'nonsense', ''])
      expect(decide(run, { parent, data: { 'artifacts.opt-out': value } })).toEqual({ kind: 'sign', attempt: 1 });
    expect(decide(run, { parent, data: { 'artifacts.opt-out': 'allow' } })).toEqual({ kind: 'leave' });
  });
});

describe('what a PipelineRun waits for', () => {
  const signed = concluded('uid-a');
  const run = pipelineRun('p', ['a', 'b']);
  const rows: [name: string, children: RunState[], expected: RunDecision, data?: Record<string, string>][] = [
    [
      'all signed',
      [taskRun('a', { annotations: signed }), taskRun('b', { annotations: concluded('uid-b', 'failed') })],
      { kind: 'sign', attempt: 1 },
    ],
    ['one done, not signed', [taskRun('a', { annotations: signed }), taskRun('b')], { kind: 'wait', for: 'b' }],
    [
      'one not done: for ten minutes',
      [taskRun('a', { annotations: signed }), taskRun('b', { status: running })],
      { kind: 'wait', for: 'b', ms: 599_000 },
    ],
    ['one pruned', [taskRun('a', { annotations: signed })], { kind: 'sign', attempt: 1 }],
    ['all pruned', [], { kind: 'sign', attempt: 1 }],
    [
      'one opted out',
      [taskRun('a', { annotations: signed }), taskRun('b', { annotations: { [annotations.sign]: 'false' } })],
      { kind: 'sign', attempt: 1 },
    ],
    [
      'one of another controller',
      [taskRun('a', { annotations: signed }), taskRun('b', { spec: { managedBy: 'other' } })],
      { kind: 'sign', attempt: 1 },
    ],
  ];
  it.each(rows)('%s', (_name, children, expected) => {
    expect(decide(run, { children })).toEqual(expected);
  });

  const withinRows: [name: string, nested: RunState[], at: string, expected: RunDecision][] = [
    ['none', [], '00:01:00', { kind: 'sign', attempt: 1 }],
    ['one done, not signed', [pipelineRun('in', [])], '00:01:00', { kind: 'wait', for: 'in', ms: 599_000 }],
    [
      'one signed',
      [pipelineRun('in', [], { annotations: concluded('uid-in') })],
      '00:01:00',
      { kind: 'sign', attempt: 1 },
    ],
    [
      'the first that is not signed',
      [pipelineRun('in', [], { annotations: concluded('uid-in') }), pipelineRun('other', [])],
      '00:01:00',
      { kind: 'wait', for: 'other', ms: 599_000 },
    ],
    ['until ten minutes are over', [pipelineRun('in', [])], '00:10:58', { kind: 'wait', for: 'in', ms: 1_000 }],
    ['not longer, though it is done', [pipelineRun('in', [])], '00:10:59', { kind: 'sign', attempt: 1 }],
  ];
  it.each(withinRows)('PipelineRuns within it: %s', (_name, nested, at, expected) =>
    expect(decide(run, { nested, now: new Date(`2026-01-01T${at}Z`) })).toEqual(expected),
  );

  it('a child that never ends is not waited for longer', () => {
    expect(
      decide(run, { children: [taskRun('a', { status: running })], now: new Date('2026-01-01T00:11:00Z') }),
    ).toEqual({ kind: 'sign', attempt: 1 });
  });
});

describe('children of one of our kinds', () => {
  const taskRuns = { kind: 'TaskRun', apiVersion: 'tekton.dev/v1', name: 'a' };
  it.each<[string, object[] | undefined, string[]]>([
    ['none', undefined, []],
    ['one', [taskRuns], ['a']],
    ['of an older version', [{ ...taskRuns, apiVersion: 'tekton.dev/v1beta1' }], ['a']],
    ['without a version, as old controllers write them', [{ kind: 'TaskRun', name: 'a' }], ['a']],
    ['of another kind', [{ ...taskRuns, kind: 'CustomRun' }], []],
    ['of another group that has a kind of that name', [{ ...taskRuns, apiVersion: 'example.com/v1' }], []],
    ['of a group that begins alike', [{ ...taskRuns, apiVersion: 'tekton.dev.example.com/v1' }], []],
    [
      'without a name',
      [
        { ...taskRuns, name: undefined },
        { ...taskRuns, name: '' },
      ],
      [],
    ],
    ['several, in their order', [{ ...taskRuns, name: 'z' }, taskRuns], ['z', 'a']],
  ])('%s', (_name, childReferences, wanted) => {
    const run = { ...pipelineRun('p', []), status: { childReferences } } as RunState;
    expect(childrenOfKind(run, 'TaskRun')).toEqual(wanted);
  });
});
