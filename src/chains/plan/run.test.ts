import { describe, expect, it } from 'vitest';
import { annotations, finalizers, legacyFinalizer } from '../annotations.ts';
import { parseChainsConfig } from '../config.ts';
import { childOf, pipelineRun, taskRun } from '../reconciler/world.fake.ts';
import { planRun, type RunDecision, type RunFacts, type RunState } from './run.ts';

const now = new Date('2026-01-01T00:01:00Z');
const running = { conditions: [{ type: 'Succeeded', status: 'Unknown' as const }] };
const failedStatus = {
  conditions: [{ type: 'Succeeded', status: 'False' as const }],
  completionTime: '2026-01-01T00:00:59Z',
};
const ours = [finalizers.taskrun];

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
    now,
    ...rest,
  });
}

describe('what is done with a TaskRun', () => {
  const rows: [name: string, run: RunState, expected: RunDecision, more?: Parameters<typeof decide>[1]][] = [
    ['done', taskRun('a'), { kind: 'sign', attempt: 1 }],
    ['failed runs are attested too', taskRun('a', { status: failedStatus }), { kind: 'sign', attempt: 1 }],
    ['signed', taskRun('a', { annotations: { [annotations.signed]: 'true' } }), { kind: 'leave' }],
    ['given up', taskRun('a', { annotations: { [annotations.signed]: 'failed' } }), { kind: 'leave' }],
    [
      "signed with another word than upstream's two",
      taskRun('a', { annotations: { [annotations.signed]: 'no' } }),
      { kind: 'sign', attempt: 1 },
    ],
    [
      'signed, and upstream left its finalizer',
      taskRun('a', { annotations: { [annotations.signed]: 'true' }, finalizers: ours }),
      { kind: 'release' },
    ],
    [
      'signed, and an early upstream left its finalizer',
      taskRun('a', { annotations: { [annotations.signed]: 'true' }, finalizers: [legacyFinalizer] }),
      { kind: 'release' },
    ],
    [
      "signed, with another's finalizer",
      taskRun('a', { annotations: { [annotations.signed]: 'true' }, finalizers: ['x/y'] }),
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
      'failed twice, as upstream wrote it',
      taskRun('a', { annotations: { [annotations.retries]: '1' } }),
      { kind: 'sign', attempt: 3 },
    ],
    [
      'to be tried again in 4 s',
      taskRun('a', {
        annotations: {
          [annotations.retries]: '1',
          [annotations.problems]: '{"failedAttempts":2,"nextAttempt":"2026-01-01T00:01:04Z","problems":[]}',
        },
      }),
      { kind: 'later', ms: 4000 },
    ],
    [
      'due to be tried again',
      taskRun('a', {
        annotations: {
          [annotations.retries]: '1',
          [annotations.problems]: '{"failedAttempts":2,"nextAttempt":"2026-01-01T00:01:00Z","problems":[]}',
        },
      }),
      { kind: 'sign', attempt: 3 },
    ],
    [
      'given up, then "signed" was removed',
      taskRun('a', {
        annotations: { [annotations.retries]: '3', [annotations.problems]: '{"failedAttempts":5,"problems":[]}' },
      }),
      { kind: 'sign', attempt: 1 },
    ],
    [
      'with rubbish in the annotations',
      taskRun('a', { annotations: { [annotations.retries]: 'x', [annotations.problems]: '{{' } }),
      { kind: 'sign', attempt: 1 },
    ],
  ];
  it.each(rows)('%s', (_name, run, expected, more) => {
    expect(decide(run, more)).toEqual(expected);
  });
});

describe('what a PipelineRun waits for', () => {
  const signed = { [annotations.signed]: 'true' };
  const run = pipelineRun('p', ['a', 'b']);
  const rows: [name: string, children: RunState[], expected: RunDecision, data?: Record<string, string>][] = [
    [
      'all signed',
      [taskRun('a', { annotations: signed }), taskRun('b', { annotations: { [annotations.signed]: 'failed' } })],
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

  it('a child that never ends is not waited for longer', () => {
    expect(
      decide(run, { children: [taskRun('a', { status: running })], now: new Date('2026-01-01T00:11:00Z') }),
    ).toEqual({ kind: 'sign', attempt: 1 });
  });
});
