import { expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import type { Period } from './otlp-series.ts';
import { MetricsPush } from './push.ts';

function world({ hangs = false } = {}) {
  const clock = new FakeClock(0);
  const state = {
    sent: [] as Period[],
    told: [] as (string | undefined)[],
    refusal: undefined as string | undefined,
    closed: 0,
  };
  const push = new MetricsPush({
    read: () => Promise.resolve([]),
    sender: {
      send: (_readings, period, signal) => {
        if (hangs)
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('late'))));
        if (state.refusal) return Promise.reject(new Error(state.refusal));
        state.sent.push(period);
        return Promise.resolve();
      },
      close: () => {
        state.closed++;
        return Promise.resolve();
      },
    },
    intervalMs: 60_000,
    clock,
    onSent: (error) => state.told.push(error?.message),
  });
  return { push, clock, state };
}

it('sends at each interval what counts from the start, and once more at the end', async () => {
  const { push, clock, state } = world();
  await clock.advance(59_999);
  expect(state.sent).toEqual([]);
  await clock.advance(60_001);
  await clock.advance(5_000);
  await push.close();
  expect(state.sent).toEqual([60_000, 120_000, 125_000].map((endMs) => ({ startMs: 0, endMs })));
  expect(state.closed).toBe(1);
});

it('goes on after a failure, which is told', async () => {
  const { push, clock, state } = world();
  state.refusal = 'full';
  await clock.advance(60_000);
  state.refusal = undefined;
  await clock.advance(60_000);
  await push.close();
  expect(state.told).toEqual(['full', undefined, undefined]);
});

it('a receiver that says nothing holds up no end', async () => {
  const { push, clock, state } = world({ hangs: true });
  await clock.advance(60_000);
  const closing = push.close();
  await clock.advance(3_000);
  await closing;
  expect(state.closed).toBe(1);
});
