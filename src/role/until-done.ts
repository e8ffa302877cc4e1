import type { Clock } from '../clock.ts';

const firstMs = 1_000;
const longestMs = 30_000;

/** What is tried until it goes well. */
export interface Persistence {
  clock: Pick<Clock, 'sleep'>;
  end: AbortSignal;
  /** Told of each failure; what it throws ends the trying. */
  onFailure: (error: unknown) => void;
}

/**
 * What a process cannot do without at its start: tried again, after one second to half a minute, until it goes well.
 * Meanwhile the process is alive and not ready. @throws what fails after the end was asked for
 */
export async function untilDone<T>(work: () => Promise<T>, { clock, end, onFailure }: Persistence): Promise<T> {
  for (let wait = firstMs; ; wait = Math.min(wait * 2, longestMs)) {
    try {
      return await work();
    } catch (error) {
      if (end.aborted) throw error;
      onFailure(error);
      await clock.sleep(wait, end);
    }
  }
}
