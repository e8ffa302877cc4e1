import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { createLogger, silentLogger } from '../log.ts';
import { runController } from './controller.ts';
import { WorkQueue } from './queue.ts';
import { Watchdog } from './watchdog.ts';

const never = () =>
  new Promise<never>(() => {
    /* hangs */
  });

function setUp(reconcile: (key: string, signal: AbortSignal, clock: FakeClock) => Promise<unknown>) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  const problems: string[] = [];
  const destination = {
    write: (text: string) => void problems.push((JSON.parse(text) as { problem: string }).problem),
  };
  const watchdog = new Watchdog(createLogger({ name: 't', destination }), clock);
  const stop = new AbortController();
  const running = runController(
    {
      name: 'taskrun',
      queue,
      clock,
      watchdog,
      log: silentLogger,
      deadlineMs: 300_000,
      reconcile: (key, signal) => reconcile(key, signal, clock).then(() => ({ kind: 'done' })),
    },
    stop.signal,
  );
  return { clock, queue, watchdog, problems, stop, running };
}

describe('Watchdog', () => {
  test('work that heeds its deadline keeps the process alive, and is tried again', async () => {
    let tries = 0;
    const { clock, queue, watchdog } = setUp((_key, signal) => {
      tries += 1;
      return clock.sleep(3_600_000, signal);
    });
    queue.add('ns/slow');
    for (let minute = 0; minute < 20; minute++) {
      await clock.advance(60_000);
      expect(watchdog.isAlive()).toBe(true);
    }
    expect(tries).toBe(4);
  });

  test('work that does not heed it ends the process, and the log says which, once', async () => {
    const { clock, queue, watchdog, problems } = setUp(never);
    queue.add('ns/stuck');
    await clock.advance(360_000);
    expect(watchdog.isAlive()).toBe(true);
    await clock.advance(1_000);
    expect([watchdog.isAlive(), watchdog.isAlive()]).toEqual([false, false]);
    expect(problems).toEqual(['work on ns/stuck has taken 361 s, and was broken off after 300 s in vain']);
  });

  test('keys that wait while nobody works end it too; the time before the start does not count', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const watchdog = new Watchdog(silentLogger, clock);
    queue.add('ns/early');
    await clock.advance(3_600_000);
    const stop = watchdog.watch('taskrun', queue, 300_000);
    await clock.advance(60_000);
    expect(watchdog.isAlive()).toBe(true);
    await clock.advance(1);
    expect(watchdog.isAlive()).toBe(false);
    stop();
    expect(watchdog.isAlive()).toBe(true);
  });

  test('a timer that does not fire is noticed', async () => {
    const clock = new FakeClock();
    const deaf = { now: () => clock.now(), monotonic: () => clock.monotonic(), sleep: never };
    const queue = new WorkQueue({ clock: deaf });
    const watchdog = new Watchdog(silentLogger, clock);
    watchdog.watch('taskrun', queue, 300_000);
    queue.addAfter('ns/later', 1_000);
    await clock.advance(61_000);
    expect(watchdog.isAlive()).toBe(true);
    await clock.advance(1);
    expect(watchdog.isAlive()).toBe(false);
  });

  test('an idle process and one that has ended its work are alive', async () => {
    const { clock, watchdog, stop, running } = setUp(() => Promise.resolve());
    await clock.advance(86_400_000);
    expect(watchdog.isAlive()).toBe(true);
    stop.abort();
    await running;
    expect(watchdog.isAlive()).toBe(true);
  });
});
