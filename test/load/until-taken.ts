import { systemClock } from '../../src/clock.ts';
import { ApiError, isNotFound } from '../../src/kube/api-error.ts';
import { untilDone } from '../../src/role/until-done.ts';

/**
 * Writes as those do whom a test's stand-ins stand for: again and again until the API server takes it. Returns whether
 * it did: not when the object is gone or the signal aborted. One that is never taken shows in what a test waits for.
 */
export async function untilTaken(signal: AbortSignal, write: () => Promise<unknown>): Promise<boolean> {
  const onFailure = (error: unknown) => {
    const isMistake = error instanceof ApiError && error.isInvalid; // the test's own
    if (isNotFound(error) || isMistake) throw error;
  };
  try {
    await untilDone(write, { clock: systemClock, end: signal, onFailure });
    return true;
  } catch (error) {
    if (signal.aborted || isNotFound(error)) return false;
    throw error;
  }
}
