import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { Line } from './line.ts';

const throttled = (retryAfterMs?: number) => new ApiError(429, { reason: 'TooManyRequests' }, retryAfterMs);
const signal = new AbortController().signal;

describe('creations while the API server throttles', () => {
  it('wait in the order of their events, and are counted', async () => {
    const clock = new FakeClock();
    const line = new Line({ clock, width: 1, attempts: 10 });
    const made: number[] = [];
    let refusals = 3;
    const create = (index: number) =>
      line.run(() => {
        if (refusals-- > 0) return Promise.reject(throttled(5_000));
        made.push(index);
        return Promise.resolve();
      }, signal);
    const all = Promise.all([0, 1, 2, 3].map(create));
    await clock.advance(0);
    expect([made, line.isThrottled, line.waiting]).toEqual([[], true, 3]);
    await clock.advance(14_999);
    expect(made).toEqual([]);
    await clock.advance(1);
    await all;
    expect([made, line.isThrottled, line.waiting]).toEqual([[0, 1, 2, 3], false, 0]);
  });

  it('are none of them lost, and none overtakes by more than those that are sent at once', async () => {
    const rows = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 4 }), async (refusals, width) => {
        const clock = new FakeClock();
        const line = new Line({ clock, width, attempts: 10 });
        const made: number[] = [];
        const left = [...refusals];
        const all = refusals.map((_, index) =>
          line.run(() => {
            const more = left[index] ?? 0;
            left[index] = more - 1;
            if (more > 0) return Promise.reject(throttled());
            made.push(index);
            return Promise.resolve();
          }, signal),
        );
        while (made.length < refusals.length) await clock.advance(1_000);
        await Promise.all(all);
        expect(made.toSorted((a, b) => a - b)).toEqual(refusals.map((_, index) => index));
        for (const [place, index] of made.entries()) expect(index - place).toBeLessThan(width);
      }),
      { numRuns: 50 },
    );
  });

  it('end when it goes on for too long, and those behind go on', async () => {
    const clock = new FakeClock();
    const line = new Line({ clock, width: 1, attempts: 3 });
    const first = expect(line.run(() => Promise.reject(throttled()), signal)).rejects.toThrow('TooManyRequests');
    const second = line.run(() => Promise.resolve('made'), signal);
    await clock.advance(60_000);
    await first;
    expect(await second).toBe('made');
  });
});
