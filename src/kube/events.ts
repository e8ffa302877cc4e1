import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { ApiError, isAlreadyExists, isNotFound } from './client.ts';
import type { KubeObject } from './object.ts';
import { TokenBucket } from './rate-limit.ts';
import { Recent } from './recent.ts';
import { events } from './resources.ts';
import type { CoreEvent } from './resources.ts';

export type EventType = 'Normal' | 'Warning';
/** Whom an event is about. apiVersion and kind are needed; list items and watch objects have them. */
export type EventTarget = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>;

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'patch'>;
  /** source.component: who speaks, such as "tekton-pipelines-controller". */
  component: string;
  log: Logger;
  clock?: Clock;
  /** Told of each attempt to write, for metrics. */
  onWrite?: (result: 'created' | 'patched' | 'dropped' | 'failed') => void;
}

const MESSAGE_LIMIT = 1024;
/** Events not yet sent; more are dropped, for a recorder must not eat the memory of its process. */
const QUEUE_LIMIT = 1_000;
/** Per object: this many at once, then one in five minutes (client-go's spam filter). */
const SPAM_BURST = 25;
const SPAM_QPS = 1 / 300;
/**
 * More than this many different messages of one reason within ten minutes are told as one (client-go's aggregation).
 */
const SIMILAR_LIMIT = 10;
const SIMILAR_WINDOW_MS = 600_000;
const MEMORY = 4_096;
const FLUSH_MS = 5_000;

interface Sent {
  name: string;
  namespace: string;
  count: number;
}
interface Pending {
  key: string;
  event: CoreEvent;
  repeats: number;
  lastTimestamp: string;
}

/**
 * Tells users what happened to their objects. Never throws and never makes its caller wait: events are written one
 * after another in the background, repeats as a count on the first (as client-go does), floods are cut.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #queue = new Map<string, Pending>();
  readonly #sent = new Recent<Sent>(MEMORY);
  readonly #spam = new Recent<TokenBucket>(MEMORY);
  readonly #similar = new Recent<{ messages: Set<string>; since: number }>(MEMORY);
  #sending: Promise<void> | undefined;
  #serial = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Queues one event about `target`. The message is cut to 1024 characters. */
  event(target: EventTarget, type: EventType, reason: string, message: string): void {
    try {
      this.#queueEvent(target, type, reason, cut(message));
    } catch (error) {
      this.#options.log.error({ error, reason }, 'cannot record an event');
    }
  }

  /** Waits until all events are written, at most until the signal is aborted or five seconds are over. */
  async flush(signal?: AbortSignal): Promise<void> {
    const off = new AbortController();
    const limit = this.#clock.sleep(FLUSH_MS, signal ? AbortSignal.any([signal, off.signal]) : off.signal).catch(() => {
      /* ended early */
    });
    while (this.#sending) {
      const ended = await Promise.race([this.#sending.then(() => false), limit.then(() => true)]);
      if (ended) break;
    }
    off.abort();
  }

  #queueEvent(target: EventTarget, type: EventType, reason: string, message: string): void {
    const identity = [
      target.apiVersion,
      target.kind,
      target.metadata.namespace,
      target.metadata.name,
      target.metadata.uid,
    ].join('\0');
    if (!this.#withinLimit(identity)) return this.#drop('spam', reason, target);
    const told = this.#aggregated(`${identity}\0${type}\0${reason}`, message);
    const key = `${identity}\0${type}\0${reason}\0${told.key}`;
    const now = this.#clock.now();
    const waiting = this.#queue.get(key);
    if (waiting) {
      waiting.repeats += 1;
      waiting.lastTimestamp = timestamp(now);
      waiting.event.message = told.message;
      return;
    }
    if (this.#queue.size >= QUEUE_LIMIT) return this.#drop('queue full', reason, target);
    this.#queue.set(key, {
      key,
      event: this.#compose(target, type, reason, told.message, now),
      repeats: 1,
      lastTimestamp: timestamp(now),
    });
    this.#sending ??= this.#send();
  }

  #withinLimit(identity: string): boolean {
    let bucket = this.#spam.get(identity);
    if (!bucket)
      this.#spam.set(identity, (bucket = new TokenBucket({ qps: SPAM_QPS, burst: SPAM_BURST, clock: this.#clock })));
    return bucket.tryTake();
  }

  #aggregated(group: string, message: string): { key: string; message: string } {
    const now = this.#clock.now().getTime();
    let seen = this.#similar.get(group);
    if (!seen || now - seen.since > SIMILAR_WINDOW_MS)
      this.#similar.set(group, (seen = { messages: new Set(), since: now }));
    seen.messages.add(message);
    if (seen.messages.size < SIMILAR_LIMIT) return { key: message, message };
    return { key: '', message: cut(`(combined from similar events): ${message}`) };
  }

  #compose(target: EventTarget, type: EventType, reason: string, message: string, now: Date): CoreEvent {
    const { name = '', namespace, uid, resourceVersion } = target.metadata;
    const at = timestamp(now);
    // Time and serial in hex, as client-go's names: unique and in order.
    const suffix = (BigInt(now.getTime()) * 1_000_000n + BigInt(this.#serial++ % 1_000_000)).toString(16);
    return {
      // A name cut short must still end in a letter or digit.
      metadata: {
        name: `${name.slice(0, 200).replace(/[^a-z0-9]+$/i, '')}.${suffix}`,
        namespace: namespace || 'default',
      },
      involvedObject: {
        apiVersion: target.apiVersion ?? '',
        kind: target.kind ?? '',
        name,
        uid: uid ?? '',
        ...(namespace ? { namespace } : {}),
        ...(resourceVersion ? { resourceVersion } : {}),
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: at,
      lastTimestamp: at,
      source: { component: this.#options.component },
      reportingComponent: this.#options.component,
      reportingInstance: '',
    };
  }

  async #send(): Promise<void> {
    for (let next = this.#queue.values().next(); !next.done; next = this.#queue.values().next()) {
      const pending = next.value;
      this.#queue.delete(pending.key);
      try {
        await this.#write(pending);
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
    // In the same turn as the last look at the queue, or an event queued in between would lie there.
    this.#sending = undefined;
  }

  async #write(pending: Pending): Promise<void> {
    const { client, onWrite } = this.#options;
    const known = this.#sent.get(pending.key);
    if (known) {
      const count = known.count + pending.repeats;
      try {
        await client.patch(events, known.namespace, known.name, {
          type: 'merge',
          body: { count, lastTimestamp: pending.lastTimestamp, message: pending.event.message },
        });
        this.#sent.set(pending.key, { ...known, count });
        return onWrite?.('patched');
      } catch (error) {
        // Events live for an hour: the first one may be gone.
        if (!isNotFound(error)) throw error;
      }
    }
    const event: CoreEvent = { ...pending.event, count: pending.repeats, lastTimestamp: pending.lastTimestamp };
    try {
      await client.create(events, event);
    } catch (error) {
      // A repeat of a create whose answer was lost.
      if (!isAlreadyExists(error)) throw error;
    }
    this.#sent.set(pending.key, {
      name: event.metadata.name ?? '',
      namespace: event.metadata.namespace ?? '',
      count: pending.repeats,
    });
    onWrite?.('created');
  }

  #drop(why: string, reason: string, target: EventTarget): void {
    this.#options.onWrite?.('dropped');
    this.#options.log.debug({ why, reason, object: target.metadata.name }, 'an event was dropped');
  }
}

/** metav1.Time has whole seconds. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** To 1024 characters, the last of them dots when something was cut, and never through a surrogate pair. */
function cut(message: string): string {
  if (message.length <= MESSAGE_LIMIT) return message;
  const kept = message.slice(0, MESSAGE_LIMIT - 3);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}...`;
}
