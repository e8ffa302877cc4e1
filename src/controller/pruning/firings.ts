import { lastFiring } from '../../api/cron.ts';

interface Seen {
  schedule: string;
  /** Firings up to this time do not count. */
  since: Date;
}

/**
 * For which firing of its schedule a namespace is to be held. A schedule counts from when it was first seen; at the
 * beginning of the process from one starting deadline earlier, so that a restart does not lose a firing. What a firing
 * deletes does not depend on who does it, or how often.
 */
export class Firings {
  readonly #seen = new Map<string, Seen>();

  /** `schedule` '': none. */
  at(namespace: string, schedule: string, deadlineMs: number, now: Date): Date | undefined {
    const before = this.#seen.get(namespace);
    const since = before === undefined ? new Date(now.getTime() - deadlineMs) : now;
    const seen = before?.schedule === schedule ? before : { schedule, since };
    this.#seen.set(namespace, seen);
    return schedule === '' ? undefined : lastFiring(schedule, seen.since, now);
  }
}
