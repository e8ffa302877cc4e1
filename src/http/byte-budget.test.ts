import { expect, it } from 'vitest';
import { readAtMost } from './body.ts';
import { ByteBudget } from './byte-budget.ts';

it('is spent by what is taken, and whole again after its release', () => {
  const budget = new ByteBudget(10);
  expect([budget.take(6), budget.take(5), budget.take(4), budget.take(1)]).toEqual([
    'taken',
    'spent',
    'taken',
    'spent',
  ]);
  budget.release();
  expect([budget.taken, budget.take(10)]).toEqual([0, 'taken']);
});

it('takes from the one above, or from neither', () => {
  const all = new ByteBudget(10);
  const [one, two] = [new ByteBudget(8, all), new ByteBudget(8, all)];
  expect([one.take(8), two.take(3), two.taken, two.take(2), all.taken]).toEqual(['taken', 'shared', 0, 'taken', 10]);
  one.release();
  expect([all.taken, two.take(6)]).toEqual([2, 'taken']);
});

it('bounds what is read, and stops reading there', async () => {
  const url = new URL('http://server/');
  let sent = 0;
  async function* body() {
    for (; sent < 100; sent += 1) yield await Promise.resolve(Buffer.alloc(10));
  }
  expect(await readAtMost((async function* () {})(), 0, url)).toHaveLength(0);
  await expect(readAtMost(body(), 35, url)).rejects.toMatchObject({ status: 413, retryable: false });
  expect(sent).toBe(3);
  await expect(readAtMost(body(), 1000, url, new ByteBudget(25))).rejects.toMatchObject({ status: 413 });
  await expect(readAtMost(body(), 1000, url, new ByteBudget(100, new ByteBudget(25)))).rejects.toMatchObject({
    status: 0,
    retryable: true,
  });
});
