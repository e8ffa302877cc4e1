import { describe, expect, it } from 'vitest';
import { runStatuses, type RunStatus, type RunSummary } from '../contract.ts';
import { successText, usageBars } from './usage.ts';

const counted = (some: Partial<Record<RunStatus, number>>) =>
  ({ ...Object.fromEntries(runStatuses.map((status) => [status, 0])), ...some }) as Record<RunStatus, number>;

describe('how often runs succeeded', () => {
  it.each<[counts: Partial<Record<RunStatus, number>>, text: string]>([
    [{}, ''],
    [{ running: 3, cancelled: 2 }, ''],
    [{ succeeded: 1 }, '1 of 1 run succeeded (100 %)'],
    [{ succeeded: 199, failed: 1 }, '199 of 200 runs succeeded (99 %)'],
    [{ succeeded: 1, failed: 1, 'timed-out': 1, cancelled: 9, queued: 9 }, '1 of 3 runs succeeded (33 %)'],
    [{ failed: 2 }, '0 of 2 runs succeeded (0 %)'],
  ])('%j: %s', (counts, text) => {
    expect(successText(counted(counts))).toBe(text);
  });
});

describe('the bars of runs', () => {
  const run = (name: string, status: RunStatus, seconds?: number) =>
    ({
      name,
      uid: name,
      status,
      ...(seconds === undefined
        ? {}
        : { started: '2026-01-01T00:00:00Z', finished: `2026-01-01T00:00:${seconds.toString().padStart(2, '0')}Z` }),
    }) as RunSummary;

  it('are of what is over, the oldest first, as high as they took long', () => {
    const bars = usageBars(
      [run('d', 'running'), run('c', 'failed', 5), run('b', 'succeeded', 20), run('a', 'cancelled')],
      3,
    );
    expect(bars.map(({ text, height }) => [text, height])).toEqual([
      ['a, cancelled, 0 s', 0.06],
      ['b, succeeded, 20 s', 1],
      ['c, failed, 5 s', 0.25],
    ]);
  });

  it('are no more than are wanted, of the newest', () => {
    const runs = ['c', 'b', 'a'].map((name) => run(name, 'succeeded', 1));
    expect(usageBars(runs, 2).map(({ uid }) => uid)).toEqual(['b', 'c']);
  });
});
