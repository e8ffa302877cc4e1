import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { WorkQueue } from './queue.ts';

const keys = async (queue: WorkQueue, count: number) => {
  const taken: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) taken.push(await queue.get());
  return taken;
};

describe('WorkQueue', () => {
  test('a key is queued once however often it is added', async () => {
    const queue = new WorkQueue();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.depth).toBe(2);
    expect(await keys(queue, 2)).toEqual(['a', 'b']);
  });

  test('a key in work is not given out; added meanwhile, it comes again after done', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await keys(queue, 1)).toEqual(['a']);
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('who waits gets the next key, in the order of waiting', async () => {
    const queue = new WorkQueue();
    const waiting = [queue.get(), queue.get()];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
  });

  test('the slow lane waits for the fast one, but does not starve', async () => {
    const queue = new WorkQueue();
    for (let i = 0; i < 3; i++) queue.addSlow(`slow-${i}`);
    for (let i = 0; i < 20; i++) queue.add(`fast-${i}`);
    const order = await keys(queue, 23);
    expect(order.slice(0, 9).every((key) => key?.startsWith('fast'))).toBe(true);
    expect(order.map((key, i) => (key?.startsWith('slow') ? i : -1)).filter((i) => i >= 0)).toEqual([9, 19, 22]);
  });

  test('an event takes a key from the slow to the fast lane', async () => {
    const queue = new WorkQueue();
    queue.addSlow('a');
    queue.add('b');
    queue.add('a');
    expect(queue.depth).toBe(2);
    expect(await keys(queue, 2)).toEqual(['b', 'a']);
  });

  test('added slowly while in work it comes back slowly, unless an event came too', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.get();
    queue.addSlow('a');
    queue.done('a');
    queue.add('b');
    expect(await keys(queue, 2)).toEqual(['b', 'a']);
    queue.addSlow('a');
    queue.add('a');
    queue.done('a');
    queue.add('c');
    expect(await keys(queue, 2)).toEqual(['a', 'c']);
  });

  test('addAfter waits, and the earliest of several wishes counts', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 300);
    queue.addAfter('a', 2_000);
    queue.addAfter('b', 500);
    await clock.advance(299);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(await keys(queue, 1)).toEqual(['a']);
    queue.done('a');
    await clock.advance(5_000);
    expect(await keys(queue, 1)).toEqual(['b']);
    expect(queue.depth).toBe(0);
    expect(queue.delayed).toBe(0);
  });

  test.each([0, -5, Number.NaN])('addAfter %d adds at once', (ms) => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.addAfter('a', ms);
    expect(queue.depth).toBe(1);
  });

  test('a delay called off does not fire', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('a', 100);
    queue.cancelDelay('a');
    await clock.advance(1_000);
    expect(queue.depth).toBe(0);
  });

  test('retries double from 5 ms to 1000 s, and begin anew after forget', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const wait = async () => {
      queue.addRateLimited('a');
      let ms = 0;
      for (; queue.depth === 0; ms++) await clock.advance(1);
      queue.done((await queue.get()) as string);
      return ms;
    };
    expect([await wait(), await wait(), await wait(), await wait()]).toEqual([5, 10, 20, 40]);
    expect(queue.retries('a')).toBe(4);
    queue.forget('a');
    expect(await wait()).toBe(5);
    for (let i = 0; i < 40; i++) {
      queue.addRateLimited('z');
      queue.cancelDelay('z');
    }
    queue.addRateLimited('z');
    await clock.advance(999_999);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
  });

  test.each([
    ['as long each time', { factor: 0 }, [1_000, 1_000, 1_000]],
    ['twice as long each time', {}, [1_000, 2_000, 4_000, 8_000]],
    ['longer so many times', { steps: 2 }, [1_000, 2_000, 4_000, 4_000, 4_000]],
    ['never beyond the cap', { capMs: 3_000 }, [1_000, 2_000, 3_000, 3_000]],
    ['with a part by chance', { jitter: 0.5 }, [1_250, 2_500]],
    ['never at once', { durationMs: 0 }, [5, 5]],
    ['never beyond the longest of the queue', { durationMs: 900_000, factor: 1e300 }, [900_000, 1_000_000, 1_000_000]],
  ])('a key with a back-off of its own waits %s', async (_name, given, expected) => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock, chance: () => 0.5 });
    const backOff = { durationMs: 1_000, factor: 2, jitter: 0, steps: 100, capMs: 0, ...given };
    for (const ms of expected) {
      queue.addRateLimited('a', backOff);
      await clock.advance(ms - 1);
      expect(queue.depth).toBe(0);
      await clock.advance(1);
      expect(queue.depth).toBe(1);
      queue.done((await queue.get()) as string);
    }
  });

  test('many keys that retry at once are spread: 100, then 10 a second', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (let i = 0; i < 130; i++) queue.addRateLimited(`k${i}`);
    await clock.advance(50);
    expect(queue.depth).toBe(100);
    await clock.advance(1_950);
    expect(queue.depth).toBe(120);
  });

  test('retries of one namespace do not put off those of another', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (let i = 0; i < 4_000; i++) queue.addRateLimited(`big/${i}`);
    queue.addRateLimited('small/a');
    await clock.advance(5);
    const first = await keys(queue, 2);
    expect(first).toContain('small/a');
  });

  test('namespaces take turns, whatever the length of their lines', async () => {
    const queue = new WorkQueue();
    for (let i = 0; i < 4_000; i++) queue.add(`big/${i}`);
    queue.add('small/a');
    queue.add('other/a');
    queue.add('small/b');
    expect(await keys(queue, 6)).toEqual(['big/0', 'small/a', 'other/a', 'big/1', 'small/b', 'big/2']);
  });

  test('a namespace whose work never ends leaves workers for the others', async () => {
    const queue = new WorkQueue({ workers: 32 });
    const taken: string[] = [];
    const worker = async () => {
      for (let key = await queue.get(); key !== undefined; key = await queue.get()) taken.push(key);
    };
    for (let i = 0; i < 100; i++) queue.add(`stuck/${i}`);
    for (let i = 0; i < 32; i++) void worker();
    await Promise.resolve();
    // The workers of this test take keys without end, so those that are counted are the keys in work.
    expect(queue.inWork).toBe(24);
    queue.add('free/a');
    expect(queue.inWork).toBe(25);
    queue.done('stuck/0');
    queue.done('stuck/1');
    await Promise.resolve();
    expect(taken.filter((key) => key.startsWith('stuck/')).length).toBeGreaterThan(24);
    expect(taken).toContain('free/a');
  });

  test('of one namespace, what has begun goes first, and what has not still comes', async () => {
    const queue = new WorkQueue({ isAhead: (key) => key.includes('begun') });
    for (let i = 0; i < 3; i++) queue.add(`ns/fresh-${i}`);
    for (let i = 0; i < 20; i++) queue.add(`ns/begun-${i}`);
    queue.add('other/fresh');
    const order = (await keys(queue, 24)).filter((key) => key !== 'other/fresh');
    expect(order.flatMap((key, i) => (key?.includes('fresh') ? [i] : []))).toEqual([9, 19, 22]);
  });

  test('keys that are looked at often leave nothing behind', () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    for (let round = 0; round < 1_000; round++) {
      for (let key = 0; key < 100; key++) {
        queue.cancelDelay(`ns/${key}`);
        queue.addAfter(`ns/${key}`, 86_400_000 + round);
      }
    }
    expect(queue.delayed).toBe(100);
    expect(queue.delayedEntries).toBeLessThanOrEqual(201);
  });

  test('says for how long keys have waited while nobody worked', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    await clock.advance(60_000);
    queue.add('ns/a');
    expect(queue.stalledMs()).toBe(0);
    await clock.advance(5_000);
    expect(queue.stalledMs()).toBe(5_000);
    await queue.get();
    await clock.advance(5_000);
    queue.add('ns/b');
    // Somebody is at work: how long he may take is another matter.
    expect(queue.stalledMs()).toBe(0);
    queue.done('ns/a');
    expect(queue.stalledMs()).toBe(0);
    await clock.advance(1_000);
    expect(queue.stalledMs()).toBe(1_000);
  });

  test('closed: gives out what is queued, then undefined; takes nothing more', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.addAfter('late', 10);
    queue.close();
    queue.add('b');
    await clock.advance(100);
    expect(await keys(queue, 2)).toEqual(['a', undefined]);
    const open = new WorkQueue({ clock });
    const waiting = open.get();
    open.close();
    expect(await waiting).toBeUndefined();
    expect(clock.sleeping).toBe(0);
  });

  test('get ends with its signal and loses no key by it', async () => {
    const queue = new WorkQueue();
    const stop = new AbortController();
    const waiting = queue.get(stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    expect(await queue.get(stop.signal)).toBeUndefined();
    expect(await queue.get()).toBe('a');
  });

  test('tells depth, adds, waits, work, retries and what is unfinished', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const queue = new WorkQueue({
      clock,
      metrics: {
        added: () => told.push('add'),
        depth: (n) => told.push(`depth ${n}`),
        waited: (s) => told.push(`waited ${s}`),
        worked: (s) => told.push(`worked ${s}`),
        retried: () => told.push('retry'),
      },
    });
    queue.add('a');
    queue.add('a');
    await clock.advance(2_000);
    await queue.get();
    await clock.advance(3_000);
    queue.add('b');
    await queue.get();
    await clock.advance(1_000);
    expect(queue.unfinished()).toEqual({ seconds: 5, longestSeconds: 4, longestKey: 'a' });
    queue.done('a');
    queue.addRateLimited('a');
    expect(told).toEqual([
      'add',
      'depth 1',
      'waited 2',
      'depth 0',
      'add',
      'depth 1',
      'waited 0',
      'depth 0',
      'worked 4',
      'retry',
    ]);
  });

  test('no key is lost, none is with two workers, whatever happens', async () => {
    const step = fc.record({
      act: fc.constantFrom('add', 'addSlow', 'addAfter', 'retry', 'get', 'done', 'tick'),
      key: fc.constantFrom('a', 'b', 'c'),
      ms: fc.nat(50),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new FakeClock();
        const queue = new WorkQueue({ clock });
        const wanted = new Set<string>();
        const inWork = new Set<string>();
        const take = async () => {
          if (queue.depth === 0) return false;
          const key = (await queue.get()) as string;
          expect(inWork.has(key)).toBe(false);
          inWork.add(key);
          wanted.delete(key);
          return true;
        };
        for (const { act, key, ms } of steps) {
          if (act === 'add') queue.add(key);
          else if (act === 'addSlow') queue.addSlow(key);
          else if (act === 'addAfter') queue.addAfter(key, ms);
          else if (act === 'retry') queue.addRateLimited(key);
          else if (act === 'get') await take();
          else if (act === 'tick') await clock.advance(ms);
          else {
            queue.done(key);
            inWork.delete(key);
          }
          if (act.startsWith('add') || act === 'retry') wanted.add(key);
        }
        for (const key of inWork) queue.done(key);
        inWork.clear();
        await clock.advance(60_000_000);
        while (await take());
        expect([...wanted]).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
