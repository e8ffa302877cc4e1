import { describe, expect, it } from 'vitest';
import type { StepState, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { TerminationEntry } from '../podstatus/termination.ts';
import { dayAfter, signature, spireServer, statedMessage } from './spire.fake.ts';
import { stepIdentity } from './statement.ts';
import { verifyRunSignatures } from './verify.ts';

/** Runs whose entrypoint is ours: nothing counts that is not signed as a whole. */
const server = spireServer();
const svid = server.issue('URI:spiffe://example.org/ns/default/taskrun/build');
const bundle = { authorities: [server.authority.certificate], trustDomain: 'example.org' };
const finishedAt = new Date(svid.certificate.validFromDate.getTime() + 3_600_000).toISOString();
const identityOf = (container: string, pod = 'build-pod', uid = 'uid-build') => stepIdentity(uid, pod, container);
const reports: TerminationEntry[] = [
  { key: 'commit', value: 'aa79', type: 1 },
  { key: 'url', value: 'https://a', type: 1 },
  { key: 'own', value: 'mine', type: 4 },
];
const sound = statedMessage(svid, identityOf('step-a'), reports);
const empty = (container: string) => statedMessage(svid, identityOf(container), []);

function step(name: string, message?: string, exitCode = 0): StepState {
  const container = `step-${name}`;
  return { name, container, terminated: { exitCode, finishedAt, ...(message === undefined ? {} : { message }) } };
}

const results = [
  { name: 'commit', value: 'aa79' },
  { name: 'url', value: 'https://a' },
];
const run = (steps: StepState[], values: { name: string; value: string }[] = results): TaskRun => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  metadata: { name: 'build', namespace: 'default', uid: 'uid-build' },
  spec: {},
  status: {
    podName: 'build-pod',
    completionTime: finishedAt,
    taskSpec: { results: [{ name: 'commit' }, { name: 'url' }, { name: 'passed', value: '$(steps.a.results.own)' }] },
    results: values,
    steps,
  },
});
const verdict = (taskRun: TaskRun) => verifyRunSignatures(taskRun, bundle, dayAfter(svid, 1), { whole: true });
const edited = (edit: (entries: TerminationEntry[]) => TerminationEntry[], message = sound) =>
  JSON.stringify(edit(JSON.parse(message) as TerminationEntry[]));
const without = (...keys: string[]) => edited((entries) => entries.filter(({ key }) => !keys.includes(key)));

describe('a sound run', () => {
  const rows: [string, TaskRun][] = [
    ['one step', run([step('a', sound)])],
    ['a step that has nothing to report, and signs that', run([step('a', sound), step('b', empty('step-b'))])],
    ['a result passed on from a step', run([step('a', sound)], [...results, { name: 'passed', value: 'mine' }])],
    ['a step that failed and the ones after it', run([step('a', sound), step('b', '', 1), step('c', '', 1)])],
    [
      'what the entrypoint says of itself',
      run([
        step(
          'a',
          edited((all) => [...all, { key: 'r', value: '', type: 3 }]),
        ),
      ]),
    ],
  ];
  it.each(rows)('%s', (_name, taskRun) => expect(verdict(taskRun)).toEqual({ state: 'verified', details: [] }));

  it('that reports and signs nothing, since its first step was killed, has nothing to verify', () => {
    expect(verdict(run([step('a', '', 137)], [])).state).toBe('absent');
  });
});

describe('a run whose results must not be used', () => {
  const rows: [string, TaskRun, string][] = [
    ['no step signed', run([step('a')], []), 'step a signed nothing'],
    ['results and no signature', run([step('a', '[{"key":"commit","value":"x","type":1}]')]), 'step a signed nothing'],
    ['results of the status alone', run([step('a', '', 1)]), 'result commit of the TaskRun was written by no step'],
    ['a report that was taken away', run([step('a', sound), step('b')]), 'step b signed nothing'],
    [
      'values of two results exchanged with their signatures',
      run(
        [
          step(
            'a',
            edited((entries) =>
              entries.map((entry) => ({
                ...entry,
                key: entry.key.replace(/commit|url/, (name) => (name === 'url' ? 'commit' : 'url')),
              })),
            ),
          ),
        ],
        [
          { name: 'commit', value: 'https://a' },
          { name: 'url', value: 'aa79' },
        ],
      ),
      'RESULT_STATEMENT of step a is not of what the step reports',
    ],
    [
      'the report of another step',
      run([step('a', sound), step('b', sound)]),
      'RESULT_STATEMENT of step b is not of what the step reports',
    ],
    [
      'the report of an earlier attempt',
      run([step('a', statedMessage(svid, identityOf('step-a', 'build-pod-retry1'), reports))]),
      'is not of what the step reports',
    ],
    [
      'the report of an earlier run of the same name',
      run([step('a', statedMessage(svid, identityOf('step-a', 'build-pod', 'older'), reports))]),
      'is not of what the step reports',
    ],
    [
      "a step's own result changed",
      run([step('a', sound.replace('"mine"', '"evil"'))]),
      'is not of what the step reports',
    ],
    [
      "a step's own result passed on under another value",
      run([step('a', sound)], [...results, { name: 'passed', value: 'evil' }]),
      'result passed of the TaskRun is not what the step wrote',
    ],
    [
      'an artifact slipped in',
      run([
        step(
          'a',
          edited((entries) => [...entries, { key: 'p', value: '{}', type: 5 }]),
        ),
      ]),
      'is not of what the step reports',
    ],
    ['the statement taken out', run([step('a', without('RESULT_STATEMENT', 'RESULT_STATEMENT.sig'))]), 'is missing'],
    ['its signature taken out', run([step('a', without('RESULT_STATEMENT.sig'))]), 'has no signature'],
    [
      'a statement that somebody else signed',
      run([
        step(
          'a',
          edited((entries) =>
            entries.map((entry) =>
              entry.key === 'RESULT_STATEMENT.sig' ? { ...entry, value: signature(server.authority, 'x') } : entry,
            ),
          ),
        ),
      ]),
      'RESULT_STATEMENT of step a is not what was signed',
    ],
    [
      'a step after a failed one that reports all the same',
      run([step('a', sound), step('b', '', 1), step('c', '[{"key":"own","value":"x","type":4}]', 1)]),
      'step c reports what it did not sign',
    ],
  ];
  it.each(rows)('%s', (_name, taskRun, text) => {
    const { state, details } = verdict(taskRun);
    expect(state).toBe('tampered');
    expect(details.join('\n')).toContain(text);
  });
});
