import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leaseToAskFor, shouldYield } from './balance.ts';
import type { Holding } from './balance.ts';

/** "aab?": the holder of each lease, "?" for nobody; wanted: lease number to who asks. */
const holdings = (holders: string, wanted: Record<number, string> = {}): Holding[] =>
  [...holders].map((holder, i) => ({ lease: `l${i}`, holder: holder === '?' ? '' : holder, wantedBy: wanted[i] }));

describe('leaseToAskFor', () => {
  test.each([
    ['one bucket cannot be shared', 'a', {}, undefined],
    ['two of two', 'aa', {}, 'l1'],
    ['one more than me is even enough', 'aab', {}, undefined],
    ['of the one with most', 'aaacc', {}, 'l2'],
    ['what is free is taken, not asked for', 'aa?', {}, undefined],
    ['a question of mine is open', 'aaa', { 0: 'b' }, undefined],
    ['not what another asked for', 'aaa', { 2: 'c' }, 'l1'],
    ['nothing when I have most', 'bbba', {}, undefined],
  ] as const)('%s: %s', (_name, holders, wanted, lease) =>
    expect(leaseToAskFor(holdings(holders, wanted), 'b')).toBe(lease),
  );
});

describe('shouldYield', () => {
  test.each([
    ['evens things out', 'aa', { 1: 'b' }, true],
    ['would only turn things round', 'aab', { 1: 'b' }, false],
    ['nobody asked', 'aa', {}, false],
    ['not mine to give', 'cc', { 1: 'b' }, false],
    ['asked by myself', 'aa', { 1: 'a' }, false],
  ] as const)('%s', (_name, holders, wanted, wish) =>
    expect(shouldYield(holdings(holders, wanted), 'a', 'l1')).toBe(wish),
  );
});

test('asking and giving ends evenly, whoever begins', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 10 }),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 120, maxLength: 120 }),
      (start, turns) => {
        const state = holdings(start.join(''));
        for (const me of [...turns, ...'abcd'.repeat(10)]) {
          const lease = leaseToAskFor(state, me);
          const asked = state.find((holding) => holding.lease === lease);
          if (!asked) continue;
          asked.wantedBy = me;
          if (shouldYield(state, asked.holder, asked.lease)) asked.holder = me;
          asked.wantedBy = undefined;
        }
        const counts = ['a', 'b', 'c', 'd'].map(
          (holder) => state.filter((holding) => holding.holder === holder).length,
        );
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      },
    ),
  );
});
