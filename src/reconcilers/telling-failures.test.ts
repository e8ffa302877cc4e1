import { describe, expect, it } from 'vitest';
import { ApiError } from '../kube/client.ts';
import { ReconcileDeadline } from '../kube/controller.ts';
import { tellingFailures } from './telling-failures.ts';

function failing(error: unknown, found = true) {
  const told: unknown[] = [];
  const reconcile = tellingFailures(
    { event: (...given) => told.push(given) },
    { get: () => (found ? { metadata: { name: 'run', namespace: 'ns' } } : undefined) },
    'TaskRun',
    () => Promise.reject(error as Error),
  );
  return { told, run: (signal = new AbortController().signal) => reconcile('ns/run', signal) };
}

describe('tellingFailures', () => {
  it('tells what went wrong on the run, and lets the queue try again', async () => {
    const error = new ApiError(403, { reason: 'Forbidden', message: 'pods is forbidden' });
    const { told, run } = failing(error);
    await expect(run()).rejects.toBe(error);
    expect(told).toEqual([
      [
        { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata: { name: 'run', namespace: 'ns' } },
        'Warning',
        'InternalError',
        'pods is forbidden',
      ],
    ]);
  });

  it('tells of work that was broken off because it took too long, not of work that ends with the process', async () => {
    const late = new AbortController();
    late.abort(new ReconcileDeadline('ns/run: work on it took longer than 300 s'));
    const first = failing(late.signal.reason);
    await expect(first.run(late.signal)).rejects.toThrow();
    expect(first.told).toMatchObject([[{}, 'Warning', 'InternalError', 'ns/run: work on it took longer than 300 s']]);
    const ending = new AbortController();
    ending.abort(new Error('the process is ending'));
    const second = failing(ending.signal.reason);
    await expect(second.run(ending.signal)).rejects.toThrow();
    expect(second.told).toEqual([]);
  });

  it.each([
    ['a lost optimistic lock', new ApiError(409, { reason: 'Conflict', message: 'modified' }), true],
    ['a run that is gone', new Error('boom'), false],
  ])('is silent about %s', async (_name, error, found) => {
    const { told, run } = failing(error, found);
    await expect(run()).rejects.toBe(error);
    expect(told).toEqual([]);
  });
});
