import { randomUUID } from 'node:crypto';
import type { EventListener } from '../../api/triggers/objects.ts';
import { readRedelivery } from '../../api/triggers/redelivery.ts';
import { systemClock } from '../../clock.ts';
import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import { SinkCaches } from './caches.ts';
import { cloudEventTeller } from './cloud-events.ts';
import { creator, type CreatorOptions } from './create.ts';
import { repetitionKey } from './event.ts';
import { interceptorClient } from './interceptor-client.ts';
import { Line } from './line.ts';
import { followLogLevel } from './log-level.ts';
import type { ListenerMeans } from './means.ts';
import { keepSchedules } from './scheduling.ts';
import { Sink } from './sink.ts';
import { telling } from './telling.ts';

/** A listener that takes events. */
export interface Listening {
  /** As the API server has it, with defaults. */
  listener: () => EventListener | undefined;
  handle: (request: ServerRequest) => Promise<ServerAnswer>;
  /** Calls `handler` when the listener has changed; returns the way to stop. */
  onChange: (handler: () => void) => () => void;
  /** Resolves when nothing is kept up any more, at the end; rejects when something cannot be. */
  over: Promise<unknown>;
  /** Brings to its end what was accepted, for at most `graceMs`, and lets go of everything. */
  close: (graceMs: number) => Promise<void>;
}

/**
 * Begins to serve a listener: resolves when its caches are filled.
 * @throws the reason of `opening` when that is aborted before
 */
export async function openListening(means: ListenerMeans, opening: AbortSignal): Promise<Listening> {
  const { flags, client, log, events, end, meters, most, room } = means;
  const { namespace, name } = flags.listener;
  const caches = new SinkCaches(client, flags, log);
  followLogLevel(caches.listeners, log);
  // Everything here outlasts the end: what was accepted is brought to its end first.
  const stop = new AbortController();
  const watching = caches.run(stop.signal);
  const interceptors = interceptorClient(finder(caches), flags.interceptorMs);
  const line = new Line({ clock: systemClock, width: 16, attempts: 50 });
  const cloudEvents = cloudEventTeller(flags.cloudEventUri, flags.listener, { log, signal: stop.signal });
  const letGo = async () => {
    stop.abort(new Error('the sink ended'));
    await Promise.allSettled([watching, interceptors.close(), cloudEvents.close()]);
  };
  const listener = () => caches.listeners.store.find(namespace, name);
  const sink = new Sink({
    name: flags.listener,
    listener,
    triggers: caches.triggers.store,
    definitions: {
      binding: (...place) => caches.bindings.store.find(...place),
      clusterBinding: (binding) => caches.clusterBindings.store.find(undefined, binding),
      template: (...place) => caches.templates.store.find(...place),
    },
    client: interceptors,
    create: creator({
      clientFor: means.clientFor,
      line,
      cause: (event) => causeOf(event, listener()),
      now: () => systemClock.now().getTime(),
      onCreated: meters.created,
      signal: stop.signal,
    }),
    waiting: () => (line.isThrottled ? line.waiting : 0),
    payloadValidation: flags.payloadValidation,
    handlerMs: flags.handlerMs,
    most,
    ...(room === undefined ? {} : { room }),
    newId: randomUUID,
    clock: systemClock,
    log,
    tell: telling(means, cloudEvents.tell),
  });
  try {
    await Promise.race([caches.synced(opening), watching]);
    opening.throwIfAborted();
  } catch (error) {
    await letGo();
    throw error;
  }
  const resting = new AbortController();
  const scheduling = keepSchedules({ ...means, end: AbortSignal.any([end, resting.signal]) }, caches, sink);
  return {
    listener,
    handle: async (request) => {
      const stopTimer = meters.timer();
      try {
        return await sink.handle(request);
      } finally {
        stopTimer();
      }
    },
    onChange: (handler) => caches.listeners.onChange(handler),
    over: Promise.race([watching, scheduling]),
    close: async (graceMs) => {
      resting.abort(new Error('the listener is served no more'));
      await sink.end(graceMs);
      await Promise.race([scheduling, systemClock.sleep(graceMs)]);
      await events.flush();
      await letGo();
    },
  };
}

function finder(caches: SinkCaches) {
  return (kind: string, namespace: string, name: string) =>
    kind === 'NamespacedInterceptor'
      ? caches.interceptors.store.find(namespace, name)
      : caches.clusterInterceptors.store.find(undefined, name);
}

function causeOf(
  event: Parameters<CreatorOptions['cause']>[0],
  listener: EventListener | undefined,
): ReturnType<CreatorOptions['cause']> {
  if (event.scheduled) return { key: ['schedule', event.scheduled.trigger, event.scheduled.time], isShared: true };
  const { isIgnored, windowMs } = readRedelivery(listener?.metadata.annotations);
  const same = isIgnored ? repetitionKey(event) : undefined;
  return same === undefined
    ? { key: ['event', event.id], isShared: false }
    : { key: [listener?.metadata.uid ?? '', ...same], isShared: true, windowMs };
}
