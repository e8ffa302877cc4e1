import { describe, expect, test } from 'vitest';
import { ApiError } from './api-error.ts';
import type { KubeObject } from './object.ts';
import { INITIAL, advance } from './watch.ts';
import type { Pause, WatchInput, WatchState, WatchStep } from './watch.ts';

const object = (resourceVersion: string): KubeObject => ({ metadata: { name: 'a', namespace: 'n', resourceVersion } });
const watching = (resourceVersion: string, failures = 0): WatchState => ({
  phase: 'watching',
  resourceVersion,
  failures,
});
const open = (pause: Pause) => ({ kind: 'open' as const, pause });
const error = (status: number, extra: object = {}, retryAfter?: number) =>
  new ApiError(status, { message: `status ${status}`, ...extra }, retryAfter);

interface Row {
  name: string;
  from: WatchState;
  input: WatchInput<KubeObject>;
  state: WatchState;
  next: WatchStep<KubeObject>['next'];
  change?: string;
}

const rows: Row[] = [
  {
    name: 'a list begins the watch at its version',
    from: INITIAL,
    input: { kind: 'listed', items: [], resourceVersion: '5' },
    state: watching('5'),
    next: open({ kind: 'none' }),
    change: 'replace',
  },
  {
    name: 'a list does not forget that watching fails',
    from: { phase: 'unlisted', failures: 3 },
    input: { kind: 'listed', items: [], resourceVersion: '5' },
    state: watching('5', 3),
    next: open({ kind: 'none' }),
    change: 'replace',
  },
  {
    name: 'a failed list is tried again later',
    from: { phase: 'unlisted', failures: 1 },
    input: { kind: 'failed', error: error(500), lively: false },
    state: { phase: 'unlisted', failures: 2 },
    next: open({ kind: 'backoff', failures: 2 }),
  },
  {
    name: 'ADDED moves on',
    from: watching('5', 2),
    input: { kind: 'event', event: { type: 'ADDED', object: object('6') } },
    state: watching('6'),
    next: { kind: 'read' },
    change: 'upsert',
  },
  {
    name: 'MODIFIED moves on',
    from: watching('5'),
    input: { kind: 'event', event: { type: 'MODIFIED', object: object('7') } },
    state: watching('7'),
    next: { kind: 'read' },
    change: 'upsert',
  },
  {
    name: 'DELETED moves on',
    from: watching('5'),
    input: { kind: 'event', event: { type: 'DELETED', object: object('8') } },
    state: watching('8'),
    next: { kind: 'read' },
    change: 'delete',
  },
  {
    name: 'BOOKMARK moves on',
    from: watching('5', 1),
    input: { kind: 'event', event: { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } } },
    state: watching('9'),
    next: { kind: 'read' },
    change: 'advance',
  },
  {
    name: 'an ERROR event 410 means a new list at once',
    from: watching('5'),
    input: { kind: 'event', event: { type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } } },
    state: { phase: 'unlisted', failures: 1 },
    next: open({ kind: 'none' }),
  },
  {
    name: 'the second 410 in a row waits',
    from: watching('5', 1),
    input: { kind: 'event', event: { type: 'ERROR', object: { code: 410, reason: 'Gone' } } },
    state: { phase: 'unlisted', failures: 2 },
    next: open({ kind: 'backoff', failures: 2 }),
  },
  {
    name: 'an answer 410 means a new list',
    from: watching('5'),
    input: { kind: 'failed', error: error(410), lively: false },
    state: { phase: 'unlisted', failures: 1 },
    next: open({ kind: 'none' }),
  },
  {
    name: 'a version from the future means a new list',
    from: watching('900'),
    input: {
      kind: 'failed',
      error: error(504, { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }),
      lively: false,
    },
    state: { phase: 'unlisted', failures: 1 },
    next: open({ kind: 'none' }),
  },
  {
    name: 'an ERROR event 500 resumes',
    from: watching('5'),
    input: { kind: 'event', event: { type: 'ERROR', object: { code: 500, message: 'etcd leader changed' } } },
    state: watching('5', 1),
    next: open({ kind: 'backoff', failures: 1 }),
  },
  {
    name: '429 is obeyed',
    from: watching('5'),
    input: { kind: 'failed', error: error(429, {}, 3000), lively: false },
    state: watching('5', 1),
    next: open({ kind: 'asked', ms: 3000, failures: 1 }),
  },
  {
    name: 'a broken connection resumes',
    from: watching('5', 4),
    input: { kind: 'failed', error: new Error('other side closed'), lively: false },
    state: watching('5', 5),
    next: open({ kind: 'backoff', failures: 5 }),
  },
  {
    name: 'a broken connection that had lived resumes soon',
    from: watching('5', 4),
    input: { kind: 'failed', error: new Error('other side closed'), lively: true },
    state: watching('5', 1),
    next: open({ kind: 'backoff', failures: 1 }),
  },
  {
    name: 'an ordinary end resumes at once',
    from: watching('5', 1),
    input: { kind: 'ended', lively: true },
    state: watching('5'),
    next: open({ kind: 'none' }),
  },
  {
    name: 'an end without a sign of life waits',
    from: watching('5', 1),
    input: { kind: 'ended', lively: false },
    state: watching('5', 2),
    next: open({ kind: 'backoff', failures: 2 }),
  },
  {
    name: 'forbidden keeps trying',
    from: { phase: 'unlisted', failures: 0 },
    input: { kind: 'failed', error: error(403), lively: false },
    state: { phase: 'unlisted', failures: 1 },
    next: open({ kind: 'backoff', failures: 1 }),
  },
];

describe('advance', () => {
  test.each(rows)('$name', ({ from, input, state, next, change }) => {
    const step = advance(from, input);
    expect(step.state).toEqual(state);
    expect(step.next).toEqual(next);
    expect(step.change.kind).toBe(change ?? 'none');
  });

  test('whatever went wrong is told', () => {
    expect(advance(watching('5'), { kind: 'failed', error: new Error('socket hang up'), lively: true }).problem).toBe(
      'socket hang up',
    );
    expect(advance(watching('5'), { kind: 'ended', lively: true }).problem).toBeUndefined();
  });
});
