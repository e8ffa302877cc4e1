import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { PermanentError } from '../errors.ts';
import { createLogger, silentLogger } from '../log.ts';
import { ApiError } from './api-error.ts';
import { BackOffError } from './back-off.ts';
import { LeadershipLost, runController } from './controller.ts';
import type { ControllerOptions, Outcome } from './controller.ts';
import { WorkQueue } from './queue.ts';

const DONE: Outcome = { kind: 'done' };
function start(options: Partial<ControllerOptions> & Pick<ControllerOptions, 'reconcile'>) {
  const clock = new FakeClock();
  const queue = options.queue ?? new WorkQueue({ clock });
  const stop = new AbortController();
  const results: string[] = [];
  const running = runController(
    {
      name: 'test',
      queue,
      log: silentLogger,
      clock,
      metrics: { reconciled: (result) => results.push(result) },
      ...options,
    },
    stop.signal,
  );
  return {
    clock,
    queue,
    results,
    running,
    end: () => {
      stop.abort();
      return running;
    },
  };
}

describe('runController', () => {
  test('reconciles what is queued, each outcome in its way', async () => {
    const outcomes: Record<string, Outcome> = {
      'n/done': DONE,
      'n/skip': { kind: 'skip' },
      'n/later': { kind: 'requeueAfter', ms: 1_000 },
      'n/never': { kind: 'permanent', reason: 'BadSpec', message: 'no' },
    };
    const seen: string[] = [];
    const { queue, clock, results, end } = start({
      reconcile: (key) => {
        seen.push(key);
        return Promise.resolve(outcomes[key] ?? DONE);
      },
    });
    for (const key of Object.keys(outcomes)) queue.add(key);
    await clock.advance(999);
    expect(seen).toEqual(['n/done', 'n/skip', 'n/later', 'n/never']);
    await clock.advance(1);
    expect(seen.slice(4)).toEqual(['n/later']);
    expect(results).toEqual(['done', 'skip', 'requeueAfter', 'permanent', 'requeueAfter']);
    await end();
  });

  test('what throws is tried again with backoff, which ends with success', async () => {
    let fail = 3;
    const at: number[] = [];
    const { queue, clock, results, end } = start({
      reconcile: () => {
        at.push(clock.now().getTime());
        if (fail-- > 0) throw new Error('flaky');
        return Promise.resolve(DONE);
      },
    });
    queue.add('n/a');
    await clock.advance(10_000);
    expect(at.map((t) => t - (at[0] ?? 0))).toEqual([0, 5, 15, 35]);
    expect(results).toEqual(['error', 'error', 'error', 'done']);
    expect(queue.retries('n/a')).toBe(0);
    await end();
  });

  test('a PermanentError is not tried again', async () => {
    const { queue, clock, results, end } = start({
      reconcile: () => Promise.reject(new PermanentError('BadSpec', 'spec.steps: must not be empty')),
    });
    queue.add('n/a');
    await clock.advance(10_000);
    expect(results).toEqual(['permanent']);
    await end();
  });

  test('a lost optimistic lock is no error in the log, other failures are', async () => {
    const lines: string[] = [];
    const log = createLogger({
      name: 't',
      destination: {
        write: (text: string) => {
          lines.push((JSON.parse(text) as { severity: string }).severity);
        },
      },
    });
    const errors = [new ApiError(409, { reason: 'Conflict' }), new Error('boom')];
    const { queue, clock, end } = start({
      log,
      reconcile: () => {
        const error = errors.shift();
        return error ? Promise.reject(error) : Promise.resolve(DONE);
      },
    });
    queue.add('n/a');
    await clock.advance(1_000);
    expect(lines).toEqual(['error']);
    await end();
  });

  const backOff = { durationMs: 1_000, factor: 3, jitter: 0, steps: 9, capMs: 0 };

  test.each<[string, () => Outcome, number[]]>([
    ['an outcome', () => ({ kind: 'backOff', backOff }), [0, 1_000, 4_000, 13_000]],
    ['an outcome with a latest time', () => ({ kind: 'backOff', backOff, latestMs: 2_000 }), [0, 1_000, 3_000, 5_000]],
    [
      'a failure',
      () => {
        throw new BackOffError('late', { backOff });
      },
      [0, 1_000, 4_000, 13_000],
    ],
  ])('%s says how long a key waits', async (_name, reconcile, expected) => {
    const looks: number[] = [];
    const { queue, clock, end } = start({
      reconcile: async () => {
        looks.push(clock.now().getTime() - began);
        await Promise.resolve();
        return reconcile();
      },
    });
    const began = clock.now().getTime();
    queue.add('n/a');
    for (let second = 0; second < 14; second++) await clock.advance(1_000);
    expect(looks.slice(0, expected.length)).toEqual(expected);
    await end();
  });

  test('a look calls off the looks planned before it', async () => {
    let plan: Outcome = { kind: 'requeueAfter', ms: 60_000 };
    let looks = 0;
    const { queue, clock, end } = start({
      reconcile: () => {
        looks++;
        return Promise.resolve(plan);
      },
    });
    queue.add('n/a');
    await clock.advance(1);
    plan = DONE;
    queue.add('n/a');
    await clock.advance(120_000);
    expect(looks).toBe(2);
    expect(queue.delayed).toBe(0);
    await end();
  });

  test('at most `concurrency` at the same time, a key never twice', async () => {
    let now = 0;
    let most = 0;
    const busy = new Set<string>();
    const { queue, clock, end } = start({
      concurrency: 3,
      reconcile: async (key) => {
        expect(busy.has(key)).toBe(false);
        busy.add(key);
        most = Math.max(most, ++now);
        await clock.sleep(10);
        now--;
        busy.delete(key);
        return DONE;
      },
    });
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 10; i++) queue.add(`n/${i}`);
      await clock.advance(7);
    }
    await clock.advance(1_000);
    expect(most).toBe(3);
    await end();
  });

  test('keys of other replicas are passed over', async () => {
    const seen: string[] = [];
    const { queue, clock, end } = start({
      owns: (key) => key !== 'n/theirs',
      reconcile: (key) => {
        seen.push(key);
        return Promise.resolve(DONE);
      },
    });
    queue.add('n/theirs');
    queue.add('n/ours');
    await clock.advance(1);
    expect(seen).toEqual(['n/ours']);
    expect(queue.inWork).toBe(0);
    await end();
  });

  test('a lost bucket breaks off the work on its keys, without a retry', async () => {
    let owned = true;
    let lost = () => {
      /* set below */
    };
    const reasons: unknown[] = [];
    const { queue, clock, results, end } = start({
      owns: (key) => owned || key === 'n/kept',
      onLost: (listener) => {
        lost = listener;
        return () => {
          /* nothing kept */
        };
      },
      reconcile: (_key, signal) =>
        clock.sleep(1_000, signal).then(
          () => DONE,
          (error: unknown) => {
            reasons.push(error);
            throw error;
          },
        ),
    });
    queue.add('n/gone');
    queue.add('n/kept');
    await clock.advance(10);
    owned = false;
    lost();
    await clock.advance(2_000);
    expect(reasons.map((reason) => reason instanceof LeadershipLost)).toEqual([true]);
    expect(results).toEqual(['done']);
    expect(queue.retries('n/gone')).toBe(0);
    await end();
  });

  test('a bucket being given away: resolves when its keys are no longer in flight, without breaking them off', async () => {
    let drain: (bucket: { has(key: string): boolean }) => Promise<void> = () => Promise.resolve();
    const { queue, clock, results, end } = start({
      onDraining: (listener) => {
        drain = listener;
        return () => {
          /* nothing kept */
        };
      },
      reconcile: async (key, signal) => {
        await clock.sleep(key === 'n/given' ? 500 : 5_000, signal);
        return DONE;
      },
    });
    queue.add('n/given');
    queue.add('n/kept');
    await clock.advance(10);
    let drained = false;
    void drain({ has: (key) => key === 'n/given' }).then(() => {
      drained = true;
    });
    await clock.advance(480);
    expect(drained).toBe(false);
    await clock.advance(20);
    expect(drained).toBe(true);
    expect(results).toEqual(['done']);
    const ended = end();
    await clock.advance(10_000);
    await ended;
  });

  test('the end: takes no more keys, finishes what is in flight', async () => {
    const finished: string[] = [];
    const { queue, clock, end } = start({
      concurrency: 1,
      reconcile: async (key) => {
        await clock.sleep(100);
        finished.push(key);
        return DONE;
      },
    });
    queue.add('n/a');
    queue.add('n/b');
    await clock.advance(10);
    const ended = end();
    await clock.advance(1_000);
    await ended;
    expect(finished).toEqual(['n/a']);
    expect(queue.depth).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  test('the end: what does not finish in its grace is aborted', async () => {
    const { queue, clock, end } = start({
      graceMs: 500,
      reconcile: (_key, signal) => clock.sleep(1e9, signal).then(() => DONE),
    });
    queue.add('n/a');
    await clock.advance(10);
    const ended = end();
    await clock.advance(499);
    expect(queue.inWork).toBe(1);
    await clock.advance(1);
    await ended;
    expect(queue.inWork).toBe(0);
  });

  test('a defect outside a reconcile ends the controller with its error', async () => {
    const { queue, running } = start({
      owns: () => {
        throw new Error('defect');
      },
      reconcile: () => Promise.resolve(DONE),
    });
    queue.add('n/a');
    await expect(running).rejects.toThrow('defect');
  });
});
