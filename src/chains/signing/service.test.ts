import { expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { observed } from './service.ts';

const signal = new AbortController().signal;

it('tells success from failure, and says nothing of a caller who gave up', async () => {
  const seen: unknown[] = [];
  const clock = new FakeClock();
  const around = { clock, observe: (...call: unknown[]) => seen.push(call) };
  await observed(around, 'kms', signal, () => clock.advance(1_500));
  await expect(observed(around, 'tsa', signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(
    observed(around, 'rekor', AbortSignal.abort(), () => Promise.reject(new Error('enough'))),
  ).rejects.toThrow('enough');
  expect(seen).toEqual([
    ['kms', 1.5, 'success'],
    ['tsa', 0, 'error'],
  ]);
});
