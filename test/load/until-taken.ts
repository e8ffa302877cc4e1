import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isNotFound } from '../../src/kube/api-error.ts';

const PAUSE_MS = 500;

/**
 * Writes as those do whom a test's stand-ins stand for: again and again until the API server takes it. Returns whether
 * it did: not when the object is gone or the signal aborted. One that is never taken shows in what a test waits for.
 */
export async function untilTaken(signal: AbortSignal, write: () => Promise<unknown>): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await write();
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      if (error instanceof ApiError && error.isInvalid) throw error; // a mistake of the test's
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return false;
}
