import { describe, expect, it } from 'vitest';
import type { TaskRunSpec } from '../../api/pipeline/v1/taskrun.ts';
import { decideAtOnce, type Need } from '../need.ts';
import { created } from '../pod/pod.fake.ts';
import { factsOf, now, plan, spec } from './given.fake.ts';
import { planTaskRun } from './plan.ts';
import { supplyOf, type Findings } from './supply.fake.ts';

describe('a remote Task', () => {
  const remote: TaskRunSpec = {
    params: [{ name: 'tag', value: 'v1' }],
    taskRef: { resolver: 'git', params: [{ name: 'revision', value: '$(params.tag)-$(context.taskRun.name)' }] },
  };
  const refSource = { uri: 'git+https://example.com/r', digest: { sha1: 'abc' }, entryPoint: 'task.yaml' };
  const found = { kind: 'found', definition: { name: 't', metadata: {}, spec } } as const;

  it('is asked for with the values of the run, under its name, and only until it is stored', () => {
    const needs: Need[] = [];
    const supply = supplyOf({ task: found });
    decideAtOnce(planTaskRun(factsOf({ task: found, spec: remote }), now), (need) => {
      needs.push(need);
      return supply(need);
    });
    expect(needs[0]).toEqual({
      type: 'definition',
      namespace: 'ns',
      reference: {
        kind: 'remote',
        ofKind: 'Task',
        resolver: 'git',
        params: [{ name: 'revision', value: 'v1-run' }],
      },
      requestName: 'run',
      fresh: true,
    });
    const asked: string[] = [];
    const later = factsOf({ spec: remote, status: { taskSpec: spec, startTime: created } });
    decideAtOnce(planTaskRun(later, now), supplyOf({}, asked));
    expect(asked).not.toContain('definition');
  });

  it('leaves where it came from in the status, also when it had to be waited for', () => {
    const waiting = plan({ task: { kind: 'resolving', request: 'git-1' }, spec: remote });
    expect(waiting.condition).toBe('Unknown ResolvingTaskRef: TaskRun ns/run awaiting remote resource');
    const { status, kinds } = plan({ task: { ...found, refSource }, spec: remote, status: waiting.status });
    expect(kinds[0]).toBe('createPod');
    expect(status.provenance).toEqual({ ...waiting.status.provenance, refSource });
  });

  it('says whether it is trusted', () => {
    const { status } = plan({ task: { ...found, verdict: { kind: 'passed' } }, spec: remote });
    expect(status.conditions?.map(({ type, status: is }) => `${type} ${is}`)).toEqual([
      'Succeeded Unknown',
      'TrustedResourcesVerified True',
    ]);
  });

  it.each<[string, Findings['task'], string, number | undefined]>([
    [
      'nobody resolves it',
      { kind: 'failed', reason: 'Unsupported', message: 'no' },
      'False TaskRunResolutionFailed: spec.taskRef.resolver: resolver "git" is not supported yet; create the Task in the namespace and name it in spec.taskRef.name',
      undefined,
    ],
    [
      'its resolver gave up',
      { kind: 'failed', reason: 'Failed', message: 'error requesting remote resource: 404' },
      'False TaskRunResolutionFailed: error requesting remote resource: 404',
      undefined,
    ],
    [
      'its resolver may do better later',
      { kind: 'failed', reason: 'Failed', message: 'no route', retryable: true },
      'Unknown ResolvingTaskRef: no route; it will be tried again',
      5_000,
    ],
    [
      'a policy refuses it',
      { kind: 'failed', reason: 'Untrusted', message: 'no signature' },
      'False ResourceVerificationFailed: no signature',
      undefined,
    ],
  ])('%s', (_name, task, expected, requeue) => {
    const { condition, kinds, requeueAfterMs } = plan({ task, spec: remote });
    expect(condition).toBe(expected);
    expect(kinds).not.toContain('createPod');
    expect(requeueAfterMs).toBe(requeue);
  });

  it('is refused for params that grow beyond what can be stored', () => {
    const value = 'x'.repeat(100_000);
    const params = [{ name: 'a', value: '$(params.v)'.repeat(100) }];
    const grown = { params: [{ name: 'v', value }], taskRef: { resolver: 'git', params } };
    expect(plan({ task: found, spec: grown }).condition).toMatch(/^False TaskRunResolutionFailed: \[User error\] /);
  });
});
