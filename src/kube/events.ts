import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { ApiError, isAlreadyExists, isNotFound } from './client.ts';
import { EventLine, type PendingEvent } from './event-line.ts';
import {
  composeEvent,
  cutMessage,
  eventTime,
  type EventTarget,
  type EventType,
  type ToldEvent,
} from './event-object.ts';
import { TokenBucket } from './rate-limit.ts';
import { Recent } from './recent.ts';
import { events } from './resources.ts';
import type { CoreEvent } from './resources.ts';

export type { EventTarget, EventType } from './event-object.ts';

/** What became of an event. */
export type EventResult = 'created' | 'patched' | 'dropped' | 'failed';

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'patch'>;
  /** source.component: who speaks, such as "tekton-pipelines-controller". */
  component: string;
  log: Logger;
  clock?: Clock;
  /** Told of each attempt to write, for metrics. */
  onWrite?: (result: EventResult) => void;
  /** Which events go first and are dropped last; default: warnings. */
  isImportant?: (type: EventType, reason: string) => boolean;
  /** Writes a second, and how many may be saved up: not of the client's own rate, that reconciles need. */
  qps?: number;
  burst?: number;
  /** Whether the process has more urgent calls to make: meanwhile few events are written, as long as few wait. */
  isBusy?: () => boolean;
  /** Of one object: so many at once, then so many a second; important ones apart. Default: client-go's. */
  perObject?: { burst: number; qps: number };
}

/** Events not yet sent, some 15 MB; beyond them some are dropped, for a recorder must not eat its process's memory. */
const QUEUE_LIMIT = 10_000;
const QPS = 150;
const BURST = 300;
/**
 * Runs come first: an event costs the API server as much as a status. While the process is busy so many are written a
 * second, unless more than a share of the queue waits.
 */
const BUSY_QPS = 15;
const BUSY_WAITING = QUEUE_LIMIT / 2;
const BUSY_LOOK_MS = 100;
/** Writes at the same time. */
const WRITERS = 8;
/** Client-go's spam filter: 25 at once, then one in five minutes. */
const PER_OBJECT = { burst: 25, qps: 1 / 300 };
/**
 * More than this many different messages of one reason within ten minutes are told as one (client-go's aggregation).
 */
const SIMILAR_LIMIT = 10;
const SIMILAR_WINDOW_MS = 600_000;
const MEMORY = 4_096;
const FLUSH_MS = 5_000;
/** Drops are logged once in this time, with their number. */
const TELL_DROPS_MS = 60_000;

interface Sent {
  name: string;
  namespace: string;
  count: number;
}

/**
 * Tells users what happened to their objects. Never throws and never makes its caller wait: events are written in the
 * background at a rate of their own, repeats as a count on the first (as client-go does), floods are cut.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #line = new EventLine(QUEUE_LIMIT);
  readonly #limit: TokenBucket;
  readonly #busyLimit: TokenBucket;
  readonly #sent = new Recent<Sent>(MEMORY);
  readonly #spam = new Recent<TokenBucket>(MEMORY);
  readonly #similar = new Recent<{ messages: Set<string>; since: number }>(MEMORY);
  readonly #drops = { untold: 0, toldAt: Number.NEGATIVE_INFINITY };
  #idle: (() => void)[] = [];
  #writers = 0;
  #serial = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#limit = new TokenBucket({ qps: options.qps ?? QPS, burst: options.burst ?? BURST, clock: this.#clock });
    this.#busyLimit = new TokenBucket({ qps: BUSY_QPS, burst: BUSY_QPS, clock: this.#clock });
  }

  /** Queues one event about `target`. The message is cut to 1024 characters. */
  event(target: EventTarget, type: EventType, reason: string, message: string): void {
    this.tell(target, { type, reason, message });
  }

  /** The same, with annotations: repeats of one event keep those of the last. */
  tell(target: EventTarget, told: ToldEvent): void {
    try {
      this.#queueEvent(target, { ...told, message: cutMessage(told.message) });
    } catch (error) {
      this.#options.log.error({ error, reason: told.reason }, 'cannot record an event');
    }
  }

  /** Waits until all events are written, at most until the signal is aborted or five seconds are over. */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#line.size === 0) return;
    const off = new AbortController();
    const limit = this.#clock.sleep(FLUSH_MS, signal ? AbortSignal.any([signal, off.signal]) : off.signal).catch(() => {
      /* ended early */
    });
    await Promise.race([new Promise<void>((resolve) => this.#idle.push(resolve)), limit]);
    off.abort();
    if (this.#line.size > 0) this.#options.log.warn({ events: this.#line.size }, 'events could not be written in time');
  }

  #queueEvent(target: EventTarget, said: ToldEvent): void {
    const { type, reason, message } = said;
    const { namespace = '', name, uid } = target.metadata;
    const identity = `${namespace}/${[target.apiVersion, target.kind, name, uid].join('\0')}`;
    const important = this.#options.isImportant?.(type, reason) ?? type === 'Warning';
    if (!this.#withinLimit(`${identity}\0${important}`)) return this.#drop('too many about one object', reason, name);
    const told = this.#aggregated(`${identity}\0${type}\0${reason}`, message);
    const now = this.#clock.now();
    const content = { ...said, message: told.message, component: this.#options.component };
    const victim = this.#line.put({
      key: `${identity}\0${type}\0${reason}\0${told.key}`,
      event: composeEvent(target, content, now, this.#serial++),
      repeats: 1,
      lastTimestamp: eventTime(now),
      important,
    });
    if (victim) this.#drop('too many wait', victim.event.reason, victim.event.involvedObject.name);
    this.#write();
  }

  #withinLimit(identity: string): boolean {
    let bucket = this.#spam.get(identity);
    if (!bucket)
      this.#spam.set(
        identity,
        (bucket = new TokenBucket({ ...(this.#options.perObject ?? PER_OBJECT), clock: this.#clock })),
      );
    return bucket.tryTake();
  }

  #aggregated(group: string, message: string): { key: string; message: string } {
    const now = this.#clock.now().getTime();
    let seen = this.#similar.get(group);
    if (!seen || now - seen.since > SIMILAR_WINDOW_MS)
      this.#similar.set(group, (seen = { messages: new Set(), since: now }));
    // More are not needed to know that there are many.
    if (seen.messages.size < SIMILAR_LIMIT) seen.messages.add(message);
    if (seen.messages.size < SIMILAR_LIMIT) return { key: message, message };
    return { key: '', message: cutMessage(`(combined from similar events): ${message}`) };
  }

  /** Sets writers to work, as many as may be. */
  #write(): void {
    while (this.#writers < WRITERS) {
      const pending = this.#line.take();
      if (!pending) break;
      this.#writers += 1;
      void this.#writeOne(pending).then(() => {
        this.#writers -= 1;
        this.#line.written(pending.key);
        this.#write();
      });
    }
    if (this.#line.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #writeOne(pending: PendingEvent): Promise<void> {
    try {
      await this.#turn();
      const result = await this.#send(pending);
      this.#options.onWrite?.(result);
    } catch (error) {
      this.#options.onWrite?.('failed');
      // In a namespace that goes away nothing can be created; that surprises nobody.
      const expected = error instanceof ApiError && error.isNamespaceTerminating;
      this.#options.log[expected ? 'debug' : 'warn'](
        { reason: pending.event.reason, object: pending.event.involvedObject.name, problem: messageOf(error) },
        'an event could not be written',
      );
    }
  }

  async #turn(): Promise<void> {
    await this.#limit.take();
    const { isBusy = () => false } = this.#options;
    while (this.#line.size < BUSY_WAITING && isBusy() && !this.#busyLimit.tryTake())
      await this.#clock.sleep(BUSY_LOOK_MS);
  }

  async #send(pending: PendingEvent): Promise<'created' | 'patched'> {
    const { client } = this.#options;
    const known = this.#sent.get(pending.key);
    if (known && (await this.#count(known, pending))) return 'patched';
    const event: CoreEvent = { ...pending.event, count: pending.repeats, lastTimestamp: pending.lastTimestamp };
    try {
      await client.create(events, event, { unlimited: true });
    } catch (error) {
      // A repeat of a create whose answer was lost.
      if (!isAlreadyExists(error)) throw error;
    }
    const { name = '', namespace = '' } = event.metadata;
    this.#sent.set(pending.key, { name, namespace, count: pending.repeats });
    return 'created';
  }

  /** Adds repeats to an event that was written before. False when it is gone: events live for an hour. */
  async #count(known: Sent, { key, event, repeats, lastTimestamp }: PendingEvent): Promise<boolean> {
    const count = known.count + repeats;
    const { annotations } = event.metadata;
    const body = {
      count,
      lastTimestamp,
      message: event.message,
      ...(annotations === undefined ? {} : { metadata: { annotations } }),
    };
    try {
      await this.#options.client.patch(events, known.namespace, known.name, { type: 'merge', body, unlimited: true });
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
    this.#sent.set(key, { ...known, count });
    return true;
  }

  #drop(why: string, reason: string | undefined, object: string | undefined): void {
    this.#options.onWrite?.('dropped');
    this.#drops.untold += 1;
    const now = this.#clock.now().getTime();
    if (now - this.#drops.toldAt < TELL_DROPS_MS) return;
    this.#options.log.warn({ dropped: this.#drops.untold, why, reason, object }, 'events were dropped');
    this.#drops.toldAt = now;
    this.#drops.untold = 0;
  }
}
