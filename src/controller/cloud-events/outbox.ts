import type { RunState, ToldRun } from './event.ts';

/** An event that a receiver is still to get. */
export interface Pending extends RunState {
  /** When the state was seen. */
  time: Date;
  /** Times it was tried in vain. */
  tries: number;
  /** Not tried before. */
  notBefore: Date;
}

interface Waiting {
  /** What is known of it should it be deleted before anything is sent. */
  run: ToldRun;
  events: Pending[];
}

/**
 * Events that wait to be sent, in order for each run. Of a run only little is held, and one event a type: however long
 * a receiver is away, it costs about a kilobyte an event.
 */
export class Outbox {
  readonly #waiting = new Map<string, Waiting>();
  readonly #most: number;
  #size = 0;

  /** @param most events in all */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns what had to go for it: an event that was overtaken (of the same type), or one that found no room */
  add(key: string, run: ToldRun, event: Pending): { key: string; run: ToldRun; event: Pending } | undefined {
    const waiting = this.#waiting.get(key) ?? { run, events: [] };
    if (waiting.run.metadata.uid !== run.metadata.uid) this.#forget(waiting);
    waiting.run = run;
    // The first may be on its way.
    const overtaken = waiting.events.findIndex(({ type }, index) => index > 0 && type === event.type);
    if (overtaken > 0) {
      waiting.events.splice(overtaken, 1);
      this.#size -= 1;
    }
    this.#waiting.set(key, waiting);
    waiting.events.push(event);
    this.#size += 1;
    return this.#size > this.#most ? this.#makeRoom() : undefined;
  }

  head(key: string): { run: ToldRun; event: Pending } | undefined {
    const waiting = this.#waiting.get(key);
    const event = waiting?.events[0];
    return waiting && event ? { run: waiting.run, event } : undefined;
  }

  /** Takes an event away that was sent or given up. @returns whether there are more of this run */
  done(key: string, event: Pending): boolean {
    const waiting = this.#waiting.get(key);
    if (!waiting) return false;
    const index = waiting.events.indexOf(event);
    if (index >= 0) {
      waiting.events.splice(index, 1);
      this.#size -= 1;
    }
    if (waiting.events.length > 0) return true;
    this.#waiting.delete(key);
    return false;
  }

  /** Another replica tells of these runs now, or nobody is to be told. */
  drop(isMeant: (key: string) => boolean): void {
    for (const [key, waiting] of this.#waiting) {
      if (!isMeant(key)) continue;
      this.#forget(waiting);
      this.#waiting.delete(key);
    }
  }

  #forget(waiting: Waiting): void {
    this.#size -= waiting.events.length;
    waiting.events = [];
  }

  /** Ends are what receivers act on: they go last. Within that, who waits longest goes first. */
  #makeRoom(): { key: string; run: ToldRun; event: Pending } | undefined {
    for (const wanted of [false, true]) {
      for (const [key, { run, events }] of this.#waiting) {
        const event = events.find(({ isEnd }) => isEnd === wanted);
        if (event === undefined) continue;
        this.done(key, event);
        return { key, run, event };
      }
    }
    return undefined;
  }
}
