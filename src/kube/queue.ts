import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { backOffMs, type BackOff } from './back-off.ts';
import { DelayedKeys } from './delayed-keys.ts';
import { FairLine, namespaceOfKey } from './fair-line.ts';
import { TokenBucket } from './rate-limit.ts';
import { Recent } from './recent.ts';

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
  /** Limit over all retries of a namespace together. client-go (over all namespaces): 10 a second, 100 at once. */
  retryQps?: number;
  retryBurst?: number;
  /**
   * How many workers there are. A namespace then holds at most three times as many as are free (24 of 32 when it is
   * alone), so that slow work of one leaves workers for the others. Absent: no bound.
   */
  workers?: number;
  /** Whether work on this key has begun: it goes before other keys of its namespace. */
  isAhead?: (key: string) => boolean;
  /** From 0 to 1. */
  chance?: () => number;
}

type Lane = 'fast' | 'slow';
/** Of this many keys in a row, at least one comes from the slow lane when it has any. */
const SLOW_SHARE = 10;
/** A namespace holds at most this many times the workers that are free. */
const FREE_SHARE = 3;

/**
 * A queue of keys ("namespace/name") with a fast lane (events) and a slow lane (resync, promotion). A key is queued
 * once however often it is added, and is never handed to two workers at the same time: added while in work, it comes
 * again after `done`. In each lane namespaces take turns, so that nobody waits for the thousands of another.
 */
export class WorkQueue {
  readonly name: string;
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics | undefined;
  readonly #lanes: Record<Lane, FairLine> = { fast: new FairLine(), slow: new FairLine() };
  /** Added while in work, with the lane they go to. */
  readonly #again = new Map<string, Lane>();
  readonly #addedAt = new Map<string, number>();
  readonly #inWork = new Map<string, number>();
  readonly #inWorkOf = new Map<string, number>();
  readonly #getters: ((key: string | undefined) => void)[] = [];
  readonly #delayed: DelayedKeys;
  readonly #failures = new Map<string, number>();
  /** By namespace: one whose thousands of keys fail does not put off the retries of others. */
  readonly #together = new Recent<TokenBucket>(1_000);
  readonly #retryLimit: { qps: number; burst: number; clock: Clock };
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #workers: number;
  readonly #isAhead: (key: string) => boolean;
  readonly #chance: () => number;
  /** When a key was last taken or done, or came into the empty queue. */
  #movedAt = 0;
  #fastInARow = 0;
  #closed = false;

  constructor(options: WorkQueueOptions = {}) {
    this.name = options.name ?? '';
    this.#clock = options.clock ?? systemClock;
    this.#metrics = options.metrics;
    this.#baseMs = options.baseDelayMs ?? 5;
    this.#maxMs = options.maxDelayMs ?? 1_000_000;
    this.#workers = options.workers ?? Number.POSITIVE_INFINITY;
    this.#isAhead = options.isAhead ?? (() => false);
    this.#chance = options.chance ?? Math.random;
    this.#delayed = new DelayedKeys(this.#clock, (key) => this.add(key));
    this.#retryLimit = { ...retryRate(options), clock: this.#clock };
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
    return this.#delayed.size;
  }
  /** What they cost: entries in memory, those that no longer count included. */
  get delayedEntries(): number {
    return this.#delayed.entries;
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
    if (ms > 0) this.#delayed.add(key, ms);
    else this.add(key);
  }

  /**
   * Adds the key after its backoff, or later when too many keys of its namespace retry at once.
   * @param backOff its waits, when they are not the queue's own
   */
  addRateLimited(key: string, backOff?: BackOff): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics?.retried();
    const wait = backOff
      ? Math.max(this.#baseMs, backOffMs(backOff, failures, this.#chance()))
      : this.#baseMs * 2 ** Math.min(failures, 60);
    const own = Math.min(this.#maxMs, wait);
    this.addAfter(key, Math.max(own, this.#retryBucket(namespaceOfKey(key)).reserve()));
  }

  /** Calls off what addAfter planned for this key. */
  cancelDelay(key: string): void {
    this.#delayed.delete(key);
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
    this.#countInWork(key, -1);
    this.#movedAt = this.#now();
    this.#metrics?.worked((this.#movedAt - since) / 1000);
    const lane = this.#again.get(key);
    this.#again.delete(key);
    // Its adds were counted when they came.
    if (lane) this.#line(key, lane);
    // A key of this namespace may have waited for it.
    else this.#serve();
  }

  /** Takes no more keys; what is queued is still given out. Delayed keys are dropped. */
  close(): void {
    this.#closed = true;
    this.#delayed.close();
    if (this.depth === 0) for (const getter of this.#getters.splice(0)) getter(undefined);
  }

  /** Time spent so far on keys in work: in all, and on the one that is in work the longest. Seconds. */
  unfinished(): { seconds: number; longestSeconds: number; longestKey?: string } {
    const now = this.#now();
    let seconds = 0;
    for (const since of this.#inWork.values()) seconds += (now - since) / 1000;
    const [longest] = this.#inWork;
    if (!longest) return { seconds, longestSeconds: 0 };
    return { seconds, longestSeconds: (now - longest[1]) / 1000, longestKey: longest[0] };
  }

  /** For how long nothing has moved although there is work and nobody is at it, milliseconds. 0: all is well. */
  stalledMs(): number {
    const waiting = this.depth > 0 && this.#inWork.size === 0 ? this.#now() - this.#movedAt : 0;
    return Math.max(waiting, this.#delayed.lateMs());
  }

  #retryBucket(namespace: string): TokenBucket {
    let bucket = this.#together.get(namespace);
    if (!bucket) this.#together.set(namespace, (bucket = new TokenBucket(this.#retryLimit)));
    return bucket;
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
    if (this.depth === 0) this.#movedAt = this.#now();
    this.#lanes[lane].add(key, this.#isAhead(key) ? 'ahead' : 'behind');
    this.#metrics?.depth(this.depth);
    this.#serve();
  }

  /** Gives keys to those who wait for one, as far as there are any that may be given. */
  #serve(): void {
    while (this.#getters.length > 0) {
      const key = this.#take();
      if (key === undefined) return;
      this.#getters.shift()?.(key);
    }
  }

  #take(): string | undefined {
    const { fast, slow } = this.#lanes;
    const slowFirst = slow.size > 0 && this.#fastInARow >= SLOW_SHARE - 1;
    for (const lane of slowFirst ? [slow, fast] : [fast, slow]) {
      const key = lane.take((namespace) => this.#mayServe(namespace));
      if (key === undefined) continue;
      this.#fastInARow = lane === slow ? 0 : this.#fastInARow + 1;
      this.#begin(key);
      return key;
    }
    return undefined;
  }

  #mayServe(namespace: string): boolean {
    const free = this.#workers - this.#inWork.size;
    return (this.#inWorkOf.get(namespace) ?? 0) < Math.max(1, FREE_SHARE * free);
  }

  #begin(key: string): void {
    const now = this.#now();
    this.#movedAt = now;
    this.#inWork.set(key, now);
    this.#countInWork(key, 1);
    this.#metrics?.waited((now - (this.#addedAt.get(key) ?? now)) / 1000);
    this.#addedAt.delete(key);
    this.#metrics?.depth(this.depth);
    // The last queued key of a closed queue is out: nobody needs to wait any more.
    if (this.#closed && this.depth === 0) for (const getter of this.#getters.splice(0)) getter(undefined);
  }

  #countInWork(key: string, change: 1 | -1): void {
    const namespace = namespaceOfKey(key);
    const count = (this.#inWorkOf.get(namespace) ?? 0) + change;
    if (count > 0) this.#inWorkOf.set(namespace, count);
    else this.#inWorkOf.delete(namespace);
  }
}

function retryRate({ retryQps = 10, retryBurst = 100 }: WorkQueueOptions): { qps: number; burst: number } {
  return { qps: retryQps, burst: retryBurst };
}
