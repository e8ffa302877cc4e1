import { FairLine } from './fair-line.ts';
import type { CoreEvent } from './resources.ts';

/** An event that waits to be written. `key` ("namespace/...") is the same for its repeats. */
export interface PendingEvent {
  key: string;
  event: CoreEvent;
  repeats: number;
  lastTimestamp: string;
  /** Goes before others, and is dropped after them. */
  important: boolean;
}

/**
 * Events that wait to be written. Namespaces take turns; important ones go first; repeats of one that waits are counted
 * on it; of one key at most one is being written. Where there are too many, the namespace with the most of them loses
 * its oldest, unimportant ones first.
 */
export class EventLine {
  readonly #limit: number;
  readonly #pending = new Map<string, PendingEvent>();
  readonly #important = new FairLine();
  readonly #ordinary = new FairLine();
  readonly #writing = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Events not yet written. */
  get size(): number {
    return this.#pending.size + this.#writing.size;
  }

  /** Puts an event in line. Returns the one that had to go for it, if any. */
  put(pending: PendingEvent): PendingEvent | undefined {
    const waiting = this.#pending.get(pending.key);
    if (waiting) {
      waiting.repeats += pending.repeats;
      waiting.lastTimestamp = pending.lastTimestamp;
      waiting.event.message = pending.event.message;
      const { annotations } = pending.event.metadata;
      if (annotations !== undefined) waiting.event.metadata.annotations = annotations;
      return undefined;
    }
    this.#pending.set(pending.key, pending);
    if (!this.#writing.has(pending.key)) this.#lineUp(pending);
    return this.#pending.size > this.#limit ? this.#drop() : undefined;
  }

  /** The next event to write; `written` must be called with its key when that has ended. */
  take(): PendingEvent | undefined {
    const pending = this.#remove(this.#important.take() ?? this.#ordinary.take());
    if (pending) this.#writing.add(pending.key);
    return pending;
  }

  written(key: string): void {
    this.#writing.delete(key);
    const repeat = this.#pending.get(key);
    if (repeat) this.#lineUp(repeat);
  }

  #lineUp(pending: PendingEvent): void {
    (pending.important ? this.#important : this.#ordinary).add(pending.key);
  }

  #drop(): PendingEvent | undefined {
    return this.#remove(this.#ordinary.takeFromLongest() ?? this.#important.takeFromLongest());
  }

  #remove(key: string | undefined): PendingEvent | undefined {
    const pending = key === undefined ? undefined : this.#pending.get(key);
    if (pending) this.#pending.delete(pending.key);
    return pending;
  }
}
