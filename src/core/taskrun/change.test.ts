import { describe, expect, it } from 'vitest';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { isNews } from './change.ts';
import { spec } from './given.fake.ts';

const statusOf = (condition: object, more: TaskRunStatus = {}): TaskRunStatus => ({
  conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'Pending', message: 'a', ...condition }],
  ...more,
});
const before = statusOf({}, { podName: 'p', startTime: '2026-01-01T00:00:00Z', taskSpec: spec });

describe('what is news of a TaskRun', () => {
  it.each<[what: string, change: TaskRunStatus, onItsOrdinaryWay: boolean, otherwise: boolean]>([
    ['nothing has changed', {}, false, false],
    ['a step that began', { steps: [{ name: 'one' }] }, false, false],
    ['its end', statusOf({ status: 'True' }), true, true],
    ['another reason', statusOf({ reason: 'Running' }), true, true],
    ['another message', statusOf({ message: 'b' }), false, true],
    ['no condition any more', { conditions: [] }, true, true],
    ['another pod', { podName: 'q' }, true, true],
    ['its start', { startTime: '2026-01-01T00:00:01Z' }, true, true],
    ['its Task, once', { taskSpec: { ...spec, description: 'of the same' } }, false, false],
  ])('%s', (_what, change, onItsOrdinaryWay, otherwise) => {
    const after = { ...before, ...change };
    expect([isNews(before, after, true), isNews(before, after, false)]).toEqual([onItsOrdinaryWay, otherwise]);
  });

  it('is its Task when there was none', () => {
    const { taskSpec: _none, ...without } = before;
    expect([isNews(without, before, true), isNews(without, before, false)]).toEqual([true, true]);
  });
});
