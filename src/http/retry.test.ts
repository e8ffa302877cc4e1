import { describe, expect, it } from 'vitest';
import { isPassing, pauseMs, retryAfterMs } from './retry.ts';

describe('Retry-After', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['3', 3000],
    ['3600', 30_000],
    ['9'.repeat(400), 30_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Thu, 01 Jan 2020 00:00:05 GMT', 0],
    ['soon', undefined],
  ])('%s', (header, ms) => expect(retryAfterMs(header, new Date('2026-01-01T00:00:00Z'))).toBe(ms));
});

it.each([
  [0, true],
  [200, false],
  [400, false],
  [401, false],
  [404, false],
  [408, true],
  [413, false],
  [429, true],
  [500, true],
  [501, false],
  [503, true],
])('status %i may pass: %s', (status, passes) => expect(isPassing(status)).toBe(passes));

it('pauses grow threefold and are spread', () => {
  expect([1, 2, 3].map((attempt) => pauseMs(attempt, () => 0.5))).toEqual([150, 450, 1350]);
  expect([pauseMs(1, () => 0), pauseMs(1, () => 1)]).toEqual([75, 225]);
});
