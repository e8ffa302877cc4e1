import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { MinHeap } from './heap.ts';
import { TokenBucket } from './rate-limit.ts';

/** What a queue tells of itself; times in seconds. The set is client-go's and knative's. */
export interface QueueMetrics {
  added(): void;
  depth(depth: number): void;
  /** Time from add to get. */
  waited(seconds: number): void;
  /** Time from get to done. */
  worked(seconds: number): void;
  retried(): void;
}

export interface WorkQueueOptions {
  name?: string;
  clock?: Clock;
  metrics?: QueueMetrics;
  /** Delay of the first retry of a key; doubles with each. client-go: 5 ms to 1000 s. */
  baseDelayMs?: number;
  maxDelayMs?: number;
  /** Limit over all retries together. client-go: 10 a second, 100 at once. */
  retryQps?: number;
  retryBurst?: number;
}

type Lane = 'fast' | 'slow';
/** Of this many keys in a row, at least one comes from the slow lane when it has any. */
const SLOW_SHARE = 10;

/**
 * A queue of keys with a fast lane (events) and a slow lane (resync, promotion). A key is queued once however often it
 * is added, and is never handed to two workers at the same time: added while in work, it comes again after `done`.
 */
export class WorkQueue {
  readonly name: string;
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics | undefined;
  readonly #lanes: Record<Lane, Set<string>> = { fast: new Set(), slow: new Set() };
  /** Added while in work, with the lane they go to. */
  readonly #again = new Map<string, Lane>();
  readonly #addedAt = new Map<string, number>();
  readonly #inWork = new Map<string, number>();
  readonly #getters: ((key: string | undefined) => void)[] = [];
  readonly #delayed = new MinHeap<{ at: number; key: string }>();
  /** The delayed entry that counts for a key; others of the same key in the heap are void. */
  readonly #delayedAt = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #overall: TokenBucket;
  readonly #baseMs: number;
  readonly #maxMs: number;
  #timer: { at: number; stop: AbortController } | undefined;
  #fastInARow = 0;
  #closed = false;

  constructor(options: WorkQueueOptions = {}) {
    this.name = options.name ?? '';
    this.#clock = options.clock ?? systemClock;
    this.#metrics = options.metrics;
    this.#baseMs = options.baseDelayMs ?? 5;
    this.#maxMs = options.maxDelayMs ?? 1_000_000;
    this.#overall = new TokenBucket({
      qps: options.retryQps ?? 10,
      burst: options.retryBurst ?? 100,
      clock: this.#clock,
    });
  }

  /** Keys waiting for a worker. */
  get depth(): number {
    return this.#lanes.fast.size + this.#lanes.slow.size;
  }
  /** Keys being worked on. */
  get inWork(): number {
    return this.#inWork.size;
  }
  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayedAt.size;
  }
  get closed(): boolean {
    return this.#closed;
  }

  /** Something happened to this key. Takes it from the slow to the fast lane. */
  add(key: string): void {
    this.#enqueue(key, 'fast');
  }
  /** Look at this key when nothing else is to do. */
  addSlow(key: string): void {
    this.#enqueue(key, 'slow');
  }

  /** Adds the key in `ms` milliseconds; of several such wishes the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (!(ms > 0)) return this.add(key);
    const at = this.#now() + ms;
    const planned = this.#delayedAt.get(key);
    if (planned !== undefined && planned <= at) return;
    this.#delayedAt.set(key, at);
    this.#delayed.push({ at, key });
    this.#arm();
  }

  /** Adds the key after its backoff, or later when too many keys retry at once. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics?.retried();
    const own = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(failures, 60));
    this.addAfter(key, Math.max(own, this.#overall.reserve()));
  }

  /** Calls off what addAfter planned for this key. */
  cancelDelay(key: string): void {
    this.#delayedAt.delete(key);
  }

  /** The key did well: its next failure waits the shortest time again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }
  /** Failures in a row. */
  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, waiting for one. undefined when the queue is closed (and empty) or the signal aborted. */
  get(signal?: AbortSignal): Promise<string | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined);
    const key = this.#take();
    if (key !== undefined || this.#closed) return Promise.resolve(key);
    return new Promise((resolve) => {
      const getter = (next: string | undefined) => {
        signal?.removeEventListener('abort', stop);
        resolve(next);
      };
      const stop = () => {
        this.#getters.splice(this.#getters.indexOf(getter), 1);
        resolve(undefined);
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#getters.push(getter);
    });
  }

  /** Ends work on a key that `get` gave out. */
  done(key: string): void {
    const since = this.#inWork.get(key);
    if (since === undefined) return;
    this.#inWork.delete(key);
    this.#metrics?.worked((this.#now() - since) / 1000);
    const lane = this.#again.get(key);
    this.#again.delete(key);
    // Its adds were counted when they came.
    if (lane) this.#line(key, lane);
  }

  /** Takes no more keys; what is queued is still given out. Delayed keys are dropped. */
  close(): void {
    this.#closed = true;
    this.#timer?.stop.abort();
    this.#delayedAt.clear();
    if (this.depth === 0) for (const getter of this.#getters.splice(0)) getter(undefined);
  }

  /** Time spent so far on keys in work: in all, and by the one that is at it the longest. Seconds. */
  unfinished(): { seconds: number; longestSeconds: number } {
    const now = this.#now();
    let seconds = 0;
    let longestSeconds = 0;
    for (const since of this.#inWork.values()) {
      const spent = (now - since) / 1000;
      seconds += spent;
      longestSeconds = Math.max(longestSeconds, spent);
    }
    return { seconds, longestSeconds };
  }

  #now(): number {
    return elapsedScale(this.#clock);
  }

  #enqueue(key: string, lane: Lane): void {
    if (this.#closed) return;
    if (this.#inWork.has(key)) {
      if (!this.#again.has(key)) this.#noteAdd(key);
      if (lane === 'fast' || !this.#again.has(key)) this.#again.set(key, lane);
      return;
    }
    if (this.#lanes.fast.has(key)) return;
    if (this.#lanes.slow.has(key)) {
      if (lane === 'slow') return;
      this.#lanes.slow.delete(key);
    } else this.#noteAdd(key);
    this.#line(key, lane);
  }

  #noteAdd(key: string): void {
    this.#addedAt.set(key, this.#now());
    this.#metrics?.added();
  }

  #line(key: string, lane: Lane): void {
    this.#lanes[lane].add(key);
    this.#metrics?.depth(this.depth);
    const getter = this.#getters.shift();
    if (getter) getter(this.#take());
  }

  #take(): string | undefined {
    const { fast, slow } = this.#lanes;
    const fromSlow = slow.size > 0 && (fast.size === 0 || this.#fastInARow >= SLOW_SHARE - 1);
    const lane = fromSlow ? slow : fast;
    const first = lane.values().next();
    if (first.done) return undefined;
    const key = first.value;
    lane.delete(key);
    this.#fastInARow = fromSlow ? 0 : this.#fastInARow + 1;
    const now = this.#now();
    this.#inWork.set(key, now);
    this.#metrics?.waited((now - (this.#addedAt.get(key) ?? now)) / 1000);
    this.#addedAt.delete(key);
    this.#metrics?.depth(this.depth);
    // The last queued key of a closed queue is out: nobody needs to wait any more.
    if (this.#closed && this.depth === 0) for (const getter of this.#getters.splice(0)) getter(undefined);
    return key;
  }

  /** One timer, for the earliest delayed key. */
  #arm(): void {
    const next = this.#delayed.peek();
    if (!next || this.#closed || (this.#timer && this.#timer.at <= next.at)) return;
    this.#timer?.stop.abort();
    const timer = { at: next.at, stop: new AbortController() };
    this.#timer = timer;
    this.#clock.sleep(next.at - this.#now(), timer.stop.signal).then(
      () => {
        this.#timer = undefined;
        this.#release();
      },
      () => {
        /* replaced by an earlier timer, or closed */
      },
    );
  }

  #release(): void {
    const now = this.#now();
    for (let next = this.#delayed.peek(); next && next.at <= now; next = this.#delayed.peek()) {
      this.#delayed.pop();
      if (this.#delayedAt.get(next.key) !== next.at) continue;
      this.#delayedAt.delete(next.key);
      this.add(next.key);
    }
    this.#arm();
  }
}
