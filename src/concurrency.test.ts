import { describe, expect, it } from 'vitest';
import { eachOf, gateOf } from './concurrency.ts';

describe('eachOf', () => {
  it('never has more than its limit under way, and keeps the order', async () => {
    let running = 0;
    let most = 0;
    const results = await eachOf([5, 1, 4, 2, 3, 0], 2, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30, 0]);
    expect(most).toBe(2);
  });

  it('begins nothing after a failure and throws it', async () => {
    const begun: number[] = [];
    const work = eachOf([0, 1, 2, 3], 1, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(begun).toEqual([0, 1]);
  });

  it('of nothing is nothing', async () => {
    expect(await eachOf([], 3, () => Promise.reject(new Error('never')))).toEqual([]);
  });
});

describe('gateOf', () => {
  it('lets in no more than its limit, in order, and goes on after a failure', async () => {
    const gate = gateOf(2);
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const work = [0, 1, 2, 3, 4].map((index) =>
      gate(async () => {
        begun.push(index);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (index === 1) throw new Error('no');
        return index;
      }),
    );
    const results = await Promise.allSettled(work);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(2);
  });
});
