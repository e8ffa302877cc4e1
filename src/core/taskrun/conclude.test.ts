import { describe, expect, it } from 'vitest';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { taskRunOf } from '../pod/pod.fake.ts';
import { conclude, transitionEvents } from './conclude.ts';
import { now, spec } from './given.fake.ts';

const condition = (status: 'True' | 'False' | 'Unknown', reason: string, message = '') => ({
  type: 'Succeeded',
  status,
  reason,
  message,
});
const failed: TaskRunStatus = {
  startTime: '2026-01-01T00:00:00Z',
  completionTime: '2026-01-01T00:00:05Z',
  podName: 'run-pod',
  taskSpec: spec,
  results: [{ name: 'r', type: 'string', value: 'v' }],
  annotations: { 'digest.tektite.dev/pod': '{}', other: 'kept' },
  conditions: [
    condition('False', 'Failed', 'it broke'),
    { type: 'SignedResultsVerified', status: 'True', reason: 'TaskRunResultsVerified' },
  ],
};
const run = (retries: number, status?: TaskRunStatus) => taskRunOf({ taskSpec: spec, retries }, status);

describe('the last word on a status', () => {
  it('is none on that of a run that was over before', () => {
    const before = { conditions: [condition('True', 'Succeeded')] };
    const status = { ...before, steps: [] };
    expect(conclude(run(0, before), status, now)).toBe(status);
  });

  it('leaves out lists without an item and fields without a value, as Go does, and has no generation', () => {
    const started = { annotations: {}, podName: 'p' };
    const status = { ...started, steps: [], results: undefined, conditions: [condition('Unknown', 'Running')] };
    const concluded = conclude(run(0, started), status, now);
    expect(Object.keys(concluded)).toEqual(['annotations', 'podName', 'conditions']);
  });

  it.each<[what: string, retries: number, reason: string, earlier: number, again: boolean]>([
    ['a first attempt of one', 0, 'Failed', 0, false],
    ['a first attempt of two', 1, 'Failed', 0, true],
    ['the last attempt of two', 1, 'Failed', 1, false],
    ['one that ran out of time', 1, 'TaskRunTimeout', 0, true],
    ['one that was cancelled', 1, 'TaskRunCancelled', 0, false],
    ['one that is wrong in itself', 1, 'TaskRunValidationFailed', 0, false],
  ])('tries again, or does not: %s', (_what, retries, reason, earlier, again) => {
    const attempts = earlier === 0 ? {} : { retriesStatus: Array.from({ length: earlier }, () => ({})) };
    const status = { ...failed, ...attempts, conditions: [condition('False', reason)] };
    const { conditions, retriesStatus = [] } = conclude(run(retries, { podName: 'run-pod' }), status, now);
    expect([conditions?.[0]?.status, retriesStatus.length]).toEqual(
      again ? ['Unknown', earlier + 1] : ['False', earlier],
    );
  });

  it('of a failed attempt is the beginning of the next: what was of its pod is with the attempt alone', () => {
    const { retriesStatus, ...next } = conclude(run(1, { podName: 'run-pod' }), failed, now);
    expect(next).toEqual({
      taskSpec: spec,
      annotations: { other: 'kept' },
      conditions: [{ ...condition('Unknown', 'ToBeRetried', 'it broke'), lastTransitionTime: '2026-01-01T00:00:10Z' }],
    });
    const { annotations: _records, ...attempt } = failed;
    expect(retriesStatus).toEqual([attempt]);
  });
});

describe('events', () => {
  const held = condition('Unknown', 'TaskRunPending');
  const pending = condition('Unknown', 'Pending');
  const running = condition('Unknown', 'Running');
  const started = ['Normal Started'];
  it.each<[what: string, Parameters<typeof transitionEvents>[0], Parameters<typeof transitionEvents>[1], string[]]>([
    ['nothing is known', undefined, undefined, []],
    ['nothing is new', running, running, []],
    ['another message alone', running, { ...running, message: 'x' }, []],
    ['held back', undefined, held, []],
    ['its pod waits', undefined, pending, started],
    ['let go of', held, pending, started],
    ['running at once', undefined, running, started],
    ['running after its pod waited', pending, running, []],
    ['to be tried again', running, condition('Unknown', 'ToBeRetried'), ['Normal ToBeRetried']],
    ['no node for it', pending, condition('Unknown', 'ExceededNodeResources'), ['Warning ExceededNodeResources']],
    ['over at once', undefined, condition('False', 'Failed'), [...started, 'Warning Failed']],
    ['well over', running, condition('True', 'Succeeded'), ['Normal Succeeded']],
    ['badly over', running, condition('False', 'TaskRunTimeout'), ['Warning Failed']],
  ])('of a change of condition: %s', (_what, before, after, expected) => {
    expect(transitionEvents(before, after).map(({ eventType, reason }) => `${eventType} ${reason}`)).toEqual(expected);
  });
});
