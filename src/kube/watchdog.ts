import { elapsedScale, systemClock, type Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { WorkQueue } from './queue.ts';

/** How long after its deadline a reconcile may take to notice that it was broken off. */
const NOTICE_MS = 60_000;
/** Keys that wait this long while nobody works were forgotten. */
const STALLED_MS = 60_000;

interface Watched {
  name: string;
  queue: Pick<WorkQueue, 'unfinished' | 'stalledMs'>;
  deadlineMs: number;
  since: number;
}

/**
 * Says whether work goes on, for the liveness probe: a process whose reconciles hang, or whose queue nobody empties,
 * is no longer of use and must be started anew.
 */
export class Watchdog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #told = false;

  constructor(log: Logger, clock: Clock = systemClock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Watches a queue from now on. Returns the way to stop. */
  watch(name: string, queue: Watched['queue'], deadlineMs: number): () => void {
    const watched = { name, queue, deadlineMs, since: elapsedScale(this.#clock) };
    this.#watched.add(watched);
    return () => this.#watched.delete(watched);
  }

  /** Whether all work goes on. The first time that it does not, the log says why. */
  isAlive(): boolean {
    for (const watched of this.#watched) {
      const problem = this.#problemOf(watched);
      if (problem === undefined) continue;
      if (!this.#told) this.#log.error({ controller: watched.name, problem }, 'work does not go on');
      this.#told = true;
      return false;
    }
    this.#told = false;
    return true;
  }

  #problemOf({ queue, deadlineMs, since }: Watched): string | undefined {
    const { longestSeconds, longestKey } = queue.unfinished();
    if (longestSeconds * 1000 > deadlineMs + NOTICE_MS)
      return `work on ${longestKey} has taken ${Math.round(longestSeconds)} s, and was broken off after ${deadlineMs / 1000} s in vain`;
    // Keys came in before anybody could work on them.
    const stalled = Math.min(queue.stalledMs(), elapsedScale(this.#clock) - since);
    return stalled > STALLED_MS ? `keys have waited for ${Math.round(stalled / 1000)} s while nobody works` : undefined;
  }
}
