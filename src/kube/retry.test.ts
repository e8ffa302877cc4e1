import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { ApiError } from './api-error.ts';
import { TokenBucket } from './rate-limit.ts';
import { backoffMs, retryDelayMs, transportFailure } from './retry.ts';

const coded = (code: string, cause?: Error) => Object.assign(new Error(code, { cause }), { code });
const policy = { idempotent: true, attempts: 6, random: () => 0 };

describe('backoffMs', () => {
  test('doubles to its cap, upper half random', () => {
    expect([1, 2, 3, 4, 5, 99].map((n) => backoffMs(n, 100, 1_000, () => 0))).toEqual([50, 100, 200, 400, 500, 500]);
    expect(backoffMs(1, 100, 1_000, () => 0.5)).toBe(75);
  });
});

describe('transportFailure', () => {
  test.each([
    ['ECONNREFUSED', 'never-sent'],
    ['ENOTFOUND', 'never-sent'],
    ['UND_ERR_CONNECT_TIMEOUT', 'never-sent'],
    ['ECONNRESET', 'lost'],
    ['UND_ERR_SOCKET', 'lost'],
    ['UND_ERR_HEADERS_TIMEOUT', 'lost'],
    ['ERR_HTTP2_GOAWAY_SESSION', 'lost'],
    ['CERT_HAS_EXPIRED', 'other'],
    ['UND_ERR_INVALID_ARG', 'other'],
  ])('%s: %s', (code, wanted) => {
    expect(transportFailure(coded(code))).toBe(wanted);
    expect(transportFailure(new TypeError('fetch failed', { cause: coded(code) }))).toBe(wanted);
  });

  test('several addresses all refused', () =>
    expect(transportFailure(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]))).toBe('never-sent'));
  test('several addresses, one of them lost', () =>
    expect(transportFailure(new AggregateError([coded('ECONNREFUSED'), coded('ECONNRESET')]))).toBe('other'));
});

describe('retryDelayMs', () => {
  const abort = Object.assign(new Error('aborted'), { name: 'AbortError' });
  test.each([
    ['lost, idempotent', coded('ECONNRESET'), 1, policy, 50],
    ['lost, not idempotent', coded('ECONNRESET'), 1, { ...policy, idempotent: false }, undefined],
    ['never sent, not idempotent', coded('ECONNREFUSED'), 1, { ...policy, idempotent: false }, 50],
    ['last try', coded('ECONNREFUSED'), 6, policy, undefined],
    ['no retries wanted', coded('ECONNREFUSED'), 1, { ...policy, attempts: 1 }, undefined],
    ['a defect', new TypeError('x is not a function'), 1, policy, undefined],
    ['aborted', abort, 1, policy, undefined],
    ['502, idempotent', new ApiError(502, {}), 2, policy, 100],
    ['502, not idempotent', new ApiError(502, {}), 1, { ...policy, idempotent: false }, undefined],
    ['500', new ApiError(500, {}), 1, policy, undefined],
    ['409', new ApiError(409, {}), 1, policy, undefined],
    ['429 with a time', new ApiError(429, {}, 3_000), 1, { ...policy, idempotent: false }, 3_000],
    ['429 with a very long time', new ApiError(429, {}, 3_600_000), 1, policy, 30_000],
    ['429 for the tenth time', new ApiError(429, {}, 3_000), 10, policy, undefined],
    ['500 with a time in its details', new ApiError(500, { details: { retryAfterSeconds: 2 } }), 7, policy, 2_000],
  ] as const)('%s', (_name, error, attempt, how, wanted) => expect(retryDelayMs(error, attempt, how)).toBe(wanted));
});

describe('TokenBucket', () => {
  test('a burst, then a steady rate, in the order of asking', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ qps: 10, burst: 3, clock });
    const served: number[] = [];
    for (let i = 0; i < 6; i++) void bucket.take().then(() => served.push(i));
    await clock.advance(0);
    expect(served).toEqual([0, 1, 2]);
    await clock.advance(150);
    expect(served).toEqual([0, 1, 2, 3]);
    await clock.advance(1_000);
    expect(served).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('a wait called off costs nothing', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ qps: 1, burst: 1, clock });
    expect(bucket.tryTake()).toBe(true);
    const stop = new AbortController();
    const waiting = bucket.take(stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await clock.advance(1_000);
    expect(bucket.tryTake()).toBe(true);
    expect(bucket.tryTake()).toBe(false);
  });
});
