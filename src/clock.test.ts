import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from './clock.fake.ts';
import { startTimer, systemClock } from './clock.ts';

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('sleeps longer than a timer can', async () => {
    let awake = false;
    void systemClock.sleep(2 ** 31 + 1_000).then(() => {
      awake = true;
    });
    await vi.advanceTimersByTimeAsync(2 ** 31);
    expect(awake).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(awake).toBe(true);
  });

  test("wakes with its signal's reason and leaves no timer", async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(1_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(0);
    await expect(systemClock.sleep(1, stop.signal)).rejects.toThrow('enough');
  });
});

describe('startTimer', () => {
  test.each<[string, (acts: string[], clock: FakeClock) => Promise<void>, string[]]>([
    [
      'acts when its time has come, once',
      async (acts, clock) => {
        const timer = startTimer(clock, 10, () => acts.push('acted'));
        await clock.advance(9);
        acts.push('waiting');
        await clock.advance(20);
        timer.stop();
      },
      ['waiting', 'acted'],
    ],
    [
      'does nothing when it was stopped',
      async (acts, clock) => {
        startTimer(clock, 10, () => acts.push('acted')).stop();
        await clock.advance(20);
      },
      [],
    ],
    [
      'ends with its scope',
      async (acts, clock) => {
        {
          using _timer = startTimer(clock, 10, () => acts.push('acted'));
          await clock.advance(5);
        }
        await clock.advance(20);
      },
      [],
    ],
  ])('%s', async (_name, run, wanted) => {
    const clock = new FakeClock(0);
    const acts: string[] = [];
    await run(acts, clock);
    expect(acts).toEqual(wanted);
    expect(clock.sleeping).toBe(0);
  });
});

describe('FakeClock', () => {
  test('wakes sleepers in the order of their time, and what they start too', async () => {
    const clock = new FakeClock(0);
    const woken: string[] = [];
    void clock.sleep(20).then(() => woken.push(`late@${clock.monotonic()}`));
    void clock.sleep(10).then(async () => {
      woken.push(`early@${clock.monotonic()}`);
      await clock.sleep(5);
      woken.push(`next@${clock.monotonic()}`);
    });
    await clock.advance(19);
    expect(woken).toEqual(['early@10', 'next@15']);
    await clock.advance(1);
    expect(woken.at(-1)).toBe('late@20');
    expect(clock.sleeping).toBe(0);
  });
});
