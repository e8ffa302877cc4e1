import { defaultTrigger } from '../../api/triggers/defaults.ts';
import { triggers, type Trigger } from '../../api/triggers/objects.ts';
import { systemClock } from '../../clock.ts';
import { apiVersionOf } from '../../kube/object.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import type { SinkCaches } from './caches.ts';
import type { ListenerMeans } from './means.ts';
import { scheduledTriggers } from './select.ts';
import type { Sink } from './sink.ts';

/** Keeps the schedules of the listener's Triggers until the end is asked for, and what it is at by then is done. */
export async function keepSchedules(
  { flags, client, events, log, end }: Pick<ListenerMeans, 'flags' | 'client' | 'events' | 'log' | 'end'>,
  caches: SinkCaches,
  sink: Pick<Sink, 'fire'>,
): Promise<void> {
  const { namespace, name } = flags.listener;
  const scheduler = new Scheduler({
    triggers: () => {
      const listener = caches.listeners.store.find(namespace, name);
      return listener === undefined ? [] : scheduledTriggers(listener, caches.triggers.store);
    },
    read: (...place) => client.get<Trigger>(triggers, ...place),
    writeStatus: (trigger, status) => client.replaceStatus(triggers, { ...trigger, status }),
    fire: (trigger, event) => sink.fire(defaultTrigger(trigger), event),
    tell: (trigger, reason, message) =>
      events.event({ apiVersion: apiVersionOf(triggers), kind: triggers.kind, ...trigger }, 'Warning', reason, message),
    clock: systemClock,
    log,
  });
  const stops = [caches.listeners, caches.triggers].map((informer) => informer.onChange(() => scheduler.wake()));
  try {
    await scheduler.run(end);
  } finally {
    for (const stop of stops) stop();
  }
}
