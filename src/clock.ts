/** Time as logic sees it: injected, so that tests decide what time it is. */
export interface Clock {
  /** The wall clock. */
  now(): Date;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Milliseconds that never jump, for spans (leases, latencies). Absent: the wall clock serves. */
  monotonic?(): number;
}

/** Node fires longer timers at once, so longer sleeps are cut into pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function oneTimer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Why a sleep is aborted that nobody waits for any more. Made once: whoever aborts without a reason has an error made
 * each time, with its stack.
 */
export const calledOff = new Error('nobody waits for it any more');

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    let left = Math.max(0, ms);
    for (; left > LONGEST_TIMER_MS; left -= LONGEST_TIMER_MS) await oneTimer(LONGEST_TIMER_MS, signal);
    await oneTimer(left, signal);
  },
};

/** An act that is still to come. `using` stops it where its scope ends. */
export interface Timer extends Disposable {
  /** Calls the act off; once it was carried out this does nothing. */
  stop(): void;
}

/** Calls `act` after `ms` milliseconds, unless it is stopped before. */
export function startTimer(clock: Clock, ms: number, act: () => void): Timer {
  const off = new AbortController();
  const stop = () => off.abort(calledOff);
  clock.sleep(ms, off.signal).then(act, () => undefined);
  return { stop, [Symbol.dispose]: stop };
}

/** Milliseconds on a scale without meaning of its own, for measuring spans with this clock. */
export function elapsedScale(clock: Clock): number {
  return clock.monotonic?.() ?? clock.now().getTime();
}
