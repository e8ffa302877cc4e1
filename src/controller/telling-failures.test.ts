import { describe, expect, it } from 'vitest';
import { ApiError } from '../kube/client.ts';
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

  it.each([
    ['a lost optimistic lock', new ApiError(409, { reason: 'Conflict', message: 'modified' }), true],
    ['a run that is gone', new Error('boom'), false],
  ])('is silent about %s', async (_name, error, found) => {
    const { told, run } = failing(error, found);
    await expect(run()).rejects.toBe(error);
    expect(told).toEqual([]);
  });
});
