import { elapsedScale, startTimer, type Clock, type Timer } from '../clock.ts';
import { MinHeap } from './heap.ts';

/** Fewer entries than this are not worth compacting. */
const SMALL = 64;

/** Keys that wait for their time, each once, and the one timer that wakes them. */
export class DelayedKeys {
  readonly #clock: Clock;
  readonly #due: (key: string) => void;
  readonly #heap = new MinHeap<{ at: number; key: string }>();
  /** The entry that counts for a key; others of the same key in the heap are void. */
  readonly #at = new Map<string, number>();
  #timer: { at: number; timer: Timer } | undefined;
  #closed = false;

  /** @param due called with each key when its time has come */
  constructor(clock: Clock, due: (key: string) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Keys that wait. */
  get size(): number {
    return this.#at.size;
  }
  /** Entries in memory, void ones included. */
  get entries(): number {
    return this.#heap.size;
  }

  /** Wakes the key in `ms` milliseconds; of several such wishes the earliest counts. */
  add(key: string, ms: number): void {
    if (this.#closed) return;
    const at = elapsedScale(this.#clock) + ms;
    const planned = this.#at.get(key);
    if (planned !== undefined && planned <= at) return;
    this.#at.set(key, at);
    this.#heap.push({ at, key });
    this.#compact();
    this.#arm();
  }

  delete(key: string): void {
    this.#at.delete(key);
  }

  /** Milliseconds since the first key should have been woken; 0 when none is late. */
  lateMs(): number {
    this.#dropVoid();
    const next = this.#heap.peek();
    return next ? Math.max(0, elapsedScale(this.#clock) - next.at) : 0;
  }

  /** Drops all keys and takes no more. */
  close(): void {
    this.#closed = true;
    this.#timer?.timer.stop();
    this.#at.clear();
  }

  /** A key that is looked at often leaves a void entry each time: they must not stay until their hour comes. */
  #compact(): void {
    if (this.#heap.size > SMALL && this.#heap.size > 2 * this.#at.size)
      this.#heap.retain(({ at, key }) => this.#at.get(key) === at);
  }

  #dropVoid(): void {
    for (let next = this.#heap.peek(); next && this.#at.get(next.key) !== next.at; next = this.#heap.peek())
      this.#heap.pop();
  }

  /** One timer, for the earliest key. */
  #arm(): void {
    const next = this.#heap.peek();
    if (!next || this.#closed || (this.#timer && this.#timer.at <= next.at)) return;
    this.#timer?.timer.stop();
    const timer = startTimer(this.#clock, next.at - elapsedScale(this.#clock), () => {
      this.#timer = undefined;
      this.#release();
    });
    this.#timer = { at: next.at, timer };
  }

  #release(): void {
    const now = elapsedScale(this.#clock);
    for (let next = this.#heap.peek(); next && next.at <= now; next = this.#heap.peek()) {
      this.#heap.pop();
      if (this.#at.get(next.key) !== next.at) continue;
      this.#at.delete(next.key);
      this.#due(next.key);
    }
    this.#arm();
  }
}
