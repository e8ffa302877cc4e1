import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { decideAtOnce, type ContainerLog, type ContainerLogNeed } from '../need.ts';
import { container, podInputOf, podOf, settingsOf, terminationMessage } from '../pod/pod.fake.ts';
import { buildPod } from '../pod/build.ts';
import type { Pod, PodStatus } from '../pod/types.ts';
import { begun, factsOf, plan, type Given } from './given.fake.ts';
import { planTaskRun } from './plan.ts';
import { nothingFound, supplyOf } from './supply.fake.ts';

const { running, ended } = container;
const flags = { 'results-from': 'sidecar-logs', 'max-result-size': '10000' };
const spec: TaskSpec = {
  results: [
    { name: 'list', type: 'array' },
    { name: 'copy', type: 'string', value: '$(steps.one.results.own)' },
  ],
  steps: [{ name: 'one', image: 'x', command: ['y'], results: [{ name: 'own' }] }],
};
const sidecar = 'sidecar-tekton-log-results';
const log = (...lines: object[]) =>
  [...lines, { name: '', value: String(lines.length), type: 'end' }]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
const results = log(
  { name: 'list', value: '["a","b"]', type: 'task' },
  { name: 'step-one.own', value: 'mine', type: 'step' },
  { name: 'step-one', value: '{"outputs":[{"name":"i","values":[{"uri":"u"}]}]}', type: 'stepArtifact' },
);
const succeeded: PodStatus = { phase: 'Succeeded', containerStatuses: [ended('step-one'), ended(sidecar)] };
const pod = (status: PodStatus): Pod => podOf(spec, status, { settings: settingsOf(flags) });
/** Ends at 00:00:05. */
const given = (status: PodStatus, more: Given = {}): Given =>
  begun(status, { taskSpec: spec, flags, pods: [pod(status)], reason: 'Running', ...more });
const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000);

describe('results by the log of a sidecar', () => {
  it('are read when the pod has ended, of the Task and of its steps', () => {
    const { condition, status } = plan(given(succeeded, { log: results }));
    expect(condition).toBe('True Succeeded: All Steps have completed executing');
    expect(status.results).toEqual([
      { name: 'list', type: 'array', value: ['a', 'b'] },
      { name: 'copy', type: 'string', value: 'mine' },
    ]);
    expect(status.steps).toMatchObject([
      { name: 'one', results: [{ name: 'own', value: 'mine' }], outputs: [{ name: 'i' }] },
    ]);
    expect(status.artifacts).toEqual({ outputs: [{ name: 'i', values: [{ uri: 'u' }] }] });
    expect(status.sidecars).toMatchObject([{ name: 'tekton-log-results', container: sidecar }]);
  });

  it("count alone: what a step's termination message says is no result", () => {
    const forged = terminationMessage({ list: '["forged"]' }, [{ key: 'own', value: 'forged', type: 4 }]);
    const status = { ...succeeded, containerStatuses: [ended('step-one', 0, forged), ended(sidecar)] };
    expect(plan(given(status, { log: results })).status.results).toEqual(
      plan(given(succeeded, { log: results })).status.results,
    );
  });

  it('are asked of the container of the very pod, bounded by what it may read', () => {
    const asked: ContainerLogNeed[] = [];
    const answer = supplyOf({ log: results });
    decideAtOnce(planTaskRun(factsOf(given(succeeded)), at(10)), (need) => {
      if (need.type === 'containerLog') asked.push(need);
      return answer(need);
    });
    expect(asked).toEqual([
      {
        type: 'containerLog',
        namespace: 'ns',
        pod: 'run-pod',
        podUid: 'pod-uid',
        container: sidecar,
        limit: expect.any(Number) as number,
      },
    ]);
    // Five files of 10,000 bytes, each byte escaped, and some room for names.
    expect(asked[0]?.limit).toBeGreaterThan(300_000);
    expect(asked[0]?.limit).toBeLessThan(310_000);
  });

  it.each<[string, PodStatus]>([
    ['a step runs', { phase: 'Running', containerStatuses: [running('step-one'), running(sidecar)] }],
    ['the pod waits', { phase: 'Pending' }],
  ])('are not asked for while %s', (_name, status) => {
    const asked: string[] = [];
    decideAtOnce(planTaskRun(factsOf(given(status)), at(6)), supplyOf({}, asked));
    expect(asked).not.toContain('containerLog');
  });

  const killed = ended('step-one', 137, undefined, 'OOMKilled');
  const unseen: PodStatus = { phase: 'Running', containerStatuses: [killed, running(sidecar)] };
  const printing: PodStatus = { phase: 'Running', containerStatuses: [ended('step-one'), running(sidecar)] };
  it.each<[string, PodStatus, number, string | ContainerLog, string | { condition: string; requeueAfterMs: number }]>([
    [
      'the sidecar is about to end',
      printing,
      6,
      results,
      { condition: 'Unknown Running: Not all Steps in the Task have finished executing', requeueAfterMs: 29_000 },
    ],
    [
      'its last step was killed, and it may be about to end',
      unseen,
      6,
      results,
      { condition: 'Unknown Running: Not all Steps in the Task have finished executing', requeueAfterMs: 4_000 },
    ],
    [
      'its last step was killed before it was up',
      unseen,
      10,
      '',
      'False StepOOM: "step-one" exited with code 137: OOMKilled',
    ],
    ['it does not end, but has said all', printing, 35, results, 'True Succeeded: All Steps have completed executing'],
    [
      'it does not end',
      printing,
      35,
      '',
      'False TaskRunResultsUnreadable: the results could not be read from the log of "sidecar-tekton-log-results": it is not complete',
    ],
    [
      'the kubelet does not answer',
      succeeded,
      10,
      { kind: 'unreadable', message: 'no route to host', retryable: true },
      {
        condition:
          'Unknown Running: All Steps have ended; their results could not be read yet: no route to host; it will be tried again',
        requeueAfterMs: 5_000,
      },
    ],
    [
      'the kubelet has not answered for minutes',
      succeeded,
      305,
      { kind: 'unreadable', message: 'no route to host', retryable: true },
      'False TaskRunResultsUnreadable: the results could not be read from the log of "sidecar-tekton-log-results": no route to host',
    ],
    [
      'the right to read logs was taken away',
      succeeded,
      10,
      { kind: 'unreadable', message: 'pods "run-pod" is forbidden', retryable: false },
      'False TaskRunResultsUnreadable: the results could not be read from the log of "sidecar-tekton-log-results": pods "run-pod" is forbidden',
    ],
    [
      'a result is too large',
      succeeded,
      10,
      log({ name: 'list', value: '', type: 'task', size: 10_001, limit: 10_000 }),
      'False TaskRunResultLargerThanAllowedLimit: TaskRun "run" failed: results exceeded size limit 10000 bytes: task result "list" has 10001 bytes; write less, hand large data on in a workspace, or raise max-result-size in ConfigMap feature-flags',
    ],
    [
      'all together are too large',
      succeeded,
      10,
      { kind: 'read', text: 'x', isCut: true },
      'False TaskRunResultLargerThanAllowedLimit: TaskRun "run" failed: results exceeded size limit 1500000 bytes: all results together have more; write less, or hand large data on in a workspace',
    ],
    [
      'a result is of the wrong type',
      succeeded,
      10,
      log({ name: 'list', value: 'no list', type: 'task' }),
      'False TaskRunValidationFailed: [User error] Provided results don\'t match declared results; may be invalid JSON or missing result declaration:  "list": task result is expected to be "array" type but was initialized to a different type "string"',
    ],
    [
      'a step failed, whatever became of its results',
      { phase: 'Failed', containerStatuses: [ended('step-one', 1), ended(sidecar)] },
      10,
      '',
      'False StepFailed: "step-one" exited with code 1: Error',
    ],
    [
      'the sidecar failed',
      { phase: 'Failed', containerStatuses: [ended('step-one'), ended(sidecar, 1)] },
      10,
      '',
      'False SidecarFailed: "sidecar-tekton-log-results" exited with code 1: Error',
    ],
  ])('%s', (_name, status, seconds, said, expected) => {
    const decision = plan(given(status, { log: said, status: { startTime: at(seconds).toISOString() } }), at(seconds));
    const { condition, requeueAfterMs } = decision;
    expect(requeueAfterMs === undefined ? condition : { condition, requeueAfterMs }).toEqual(expected);
  });

  it('a failed step has the results that it and those before left', () => {
    const failed: PodStatus = { phase: 'Failed', containerStatuses: [ended('step-one', 1), ended(sidecar)] };
    expect(plan(given(failed, { log: results })).status.results).toHaveLength(2);
  });

  it('a pod of before the flag was set tells by termination message', () => {
    const message = terminationMessage({ list: '["a"]' });
    const status: PodStatus = { phase: 'Succeeded', containerStatuses: [ended('step-one', 0, message)] };
    const { results: found } = plan(given(status, { pods: [podOf(spec, status)] })).status;
    expect(found).toEqual([{ name: 'list', type: 'array', value: ['a'] }]);
  });

  it("a container of that name that is not the controller's is not asked", () => {
    const own = { ...spec, sidecars: [{ name: '$(params.name)', image: 'x', command: ['forge'] }] };
    const made = podOf(own, succeeded);
    const named = {
      ...made.spec,
      containers: made.spec.containers.map((one) => ({ ...one, name: one.name.replace(/^sidecar-.*/, sidecar) })),
    };
    const asked: string[] = [];
    const facts = factsOf(begun(succeeded, { taskSpec: own, pods: [{ ...made, spec: named }] }));
    decideAtOnce(planTaskRun(facts, at(10)), supplyOf({ log: results }, asked));
    expect(asked).not.toContain('containerLog');
  });
});

describe('the sidecar', () => {
  it.each<[string, TaskSpec, Record<string, string>, boolean]>([
    ['results of the Task', { results: [{ name: 'r' }], steps: [{ image: 'x', command: ['y'] }] }, flags, true],
    ['results of a step', { steps: [{ image: 'x', command: ['y'], results: [{ name: 'r' }] }] }, flags, true],
    ['artifacts', { steps: [{ image: 'x', script: 'cat /tekton/artifacts/provenance.json' }] }, flags, true],
    ['nothing to tell', { steps: [{ image: 'x', command: ['y'] }] }, flags, false],
    ['results by termination message', spec, {}, false],
  ])('is there for %s', (_name, task, set, expected) => {
    const { containers } = buildPod(podInputOf(task, { settings: settingsOf(set) })).spec;
    expect(containers.some(({ name }) => name === sidecar)).toBe(expected);
    const told = containers[0]?.args?.join(' ').includes('-result_from sidecar-logs');
    expect(told).toBe(expected);
  });

  it('does not keep the first step waiting', () => {
    const pod = buildPod(podInputOf(spec, { settings: settingsOf(flags) }));
    expect(pod.metadata.annotations?.['tekton.dev/ready']).toBe('READY');
  });
});

it('a run whose results the controller may not read does not begin', () => {
  const { condition, kinds } = plan({ taskSpec: spec, flags, start: { ...nothingFound, logsDenied: true } });
  expect(condition).toBe(
    'False TaskRunValidationFailed: results-from is "sidecar-logs" in ConfigMap feature-flags, but the controller has no right to get pods/log in namespace "ns": install the chart with rbac.podLogs=true, or set results-from to "termination-message"',
  );
  expect(kinds).toEqual(['event Normal Started', 'event Warning Failed']);
});

it('nobody asks for the right where results come by termination message', () => {
  const asked: string[] = [];
  decideAtOnce(planTaskRun(factsOf({ taskSpec: spec }), at(10)), supplyOf({}, asked));
  expect(asked).not.toContain('logAccess');
});
