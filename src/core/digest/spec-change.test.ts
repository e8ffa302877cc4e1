import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { taskRunOf } from '../pod/pod.fake.ts';
import { specRecord } from './fields.ts';
import { recordAnnotations } from './record.ts';
import { asRecorded, lostMessage, specViolations } from './spec-change.ts';

const long = [{ name: 'ref', value: 'main'.repeat(30) }];
const spec = taskRunOf({ taskRef: { name: 'build' }, timeout: '1h', params: long }).spec;

/** A run that was recorded with `spec` and has another one now. */
function runWith(now: TaskRun['spec'], record = specRecord(spec)): TaskRun {
  return { ...taskRunOf({}), spec: now, status: { annotations: { [recordAnnotations.spec]: record } } };
}

describe('a run whose spec', () => {
  it.each<[string, TaskRun]>([
    ['is as it was recorded', runWith(spec)],
    ['was not recorded', { ...runWith({ ...spec, timeout: '2h' }), status: {} }],
    ['says that it is to stop', runWith({ ...spec, status: 'TaskRunCancelled', statusMessage: 'enough' })],
  ])('%s, is as it is', (_name, run) => {
    const found = asRecorded(run);
    expect(found).toEqual({ run });
    expect(found.run).toBe(run);
  });

  it.each<[string, Partial<TaskRun['spec']>, string[], string[], Partial<TaskRun['spec']>]>([
    ['has another value', { timeout: '9h' }, ['timeout'], [], {}],
    ['has a field more', { retries: 9 }, ['retries'], [], { retries: undefined }],
    ['lacks a field', { timeout: undefined }, ['timeout'], [], {}],
    [
      'was stopped as well',
      { timeout: '9h', status: 'TaskRunCancelled' },
      ['timeout'],
      [],
      { status: 'TaskRunCancelled' },
    ],
    ['has another long value, which is lost', { params: [] }, ['params'], ['params'], { params: undefined }],
    [
      'has several others',
      { params: [], retries: 1, taskRef: { name: 'evil' } },
      ['params', 'retries', 'taskRef'],
      ['params'],
      { params: undefined, retries: undefined },
    ],
  ])('%s, is as it was', (_name, now, fields, lost, wanted) => {
    const { run, change } = asRecorded(runWith({ ...spec, ...now }));
    expect(run.spec).toEqual({ ...spec, ...wanted });
    expect(change).toEqual({ fields, lost });
  });

  it('has a record that cannot be read, has nothing left, since nobody knows what it was', () => {
    const { run, change } = asRecorded(runWith({ ...spec, status: 'TaskRunCancelled' }, '{'));
    expect(run.spec).toEqual({ status: 'TaskRunCancelled' });
    const fields = Object.keys(spec).sort();
    expect(change).toEqual({ fields, lost: fields });
  });
});

describe('of a change', () => {
  it('each field is a violation', () => {
    const message = 'was changed after the run had begun; the change has no effect, but the run is not attested';
    expect(specViolations({ fields: ['params', 'timeout'], lost: ['params'] })).toEqual([
      { field: 'spec.params', message },
      { field: 'spec.timeout', message },
    ]);
    expect(specViolations(undefined)).toEqual([]);
  });

  it.each([
    [['params'], 'spec.params was changed after the TaskRun had begun'],
    [['params', 'taskSpec'], 'spec.params, spec.taskSpec were changed after the TaskRun had begun'],
  ])('the message says what is lost: %j', (lost, begin) =>
    expect(lostMessage('TaskRun', { fields: lost, lost })).toBe(
      `${begin}, and nothing is made from a changed spec; create a new TaskRun instead`,
    ),
  );
});
