import { eventListeners, type EventListener } from '../../api/triggers/objects.ts';
import { apiVersionOf } from '../../kube/object.ts';
import type { cloudEventTeller } from './cloud-events.ts';
import type { ListenerMeans } from './means.ts';
import { settingNames, type Telling } from './sink.ts';

/** Counts, events on the listener, CloudEvents and the log. */
export function telling(
  { env, events, log, meters }: Pick<ListenerMeans, 'env' | 'events' | 'log' | 'meters'>,
  cloudEvent: ReturnType<typeof cloudEventTeller>['tell'],
): Telling {
  const isTold = env['EL_EVENT'] === 'enable';
  const kubeEvent = (listener: EventListener, type: 'Normal' | 'Warning', reason: string, message: string) =>
    events.event(
      { apiVersion: apiVersionOf(eventListeners), kind: 'EventListener', ...listener },
      type,
      reason,
      message,
    );
  return {
    counted: meters.received,
    started: (event) => cloudEvent('started', event),
    outcome: (listener, event, outcome) => {
      const { trigger, namespace, message = '', created = [] } = outcome;
      const fields = { 'triggers.tekton.dev/triggers-eventid': event.id, trigger, namespace };
      const wantsAll = isTold || listener.metadata.annotations?.[settingNames.answer] === 'outcome';
      if (outcome.outcome === 'failed') {
        log.error({ ...fields, problem: message }, 'a trigger failed');
        cloudEvent('failed', event);
        kubeEvent(listener, 'Warning', 'TriggerFailed', `trigger ${namespace}/${trigger}: ${message}`);
        return;
      }
      if (outcome.outcome === 'repeated') {
        log.info({ ...fields, created }, 'an event was taken before');
        if (wantsAll) kubeEvent(listener, 'Normal', 'TriggerRepeated', `trigger ${namespace}/${trigger}: ${message}`);
        return;
      }
      if (outcome.outcome === 'stopped') {
        log.info({ ...fields, interceptor: outcome.interceptor, reason: message }, 'an interceptor stopped an event');
        if (wantsAll)
          kubeEvent(
            listener,
            'Normal',
            'TriggerStopped',
            `trigger ${namespace}/${trigger}: ${outcome.interceptor}: ${message}`,
          );
        return;
      }
      log.info({ ...fields, created }, 'an event created objects');
      cloudEvent('successful', event);
      const names = created.map(({ kind, name }) => `${kind} ${name}`).join(', ');
      if (wantsAll) kubeEvent(listener, 'Normal', 'TriggerCreated', `trigger ${namespace}/${trigger}: ${names}`);
    },
    done: (_listener, event) => cloudEvent('done', event),
  };
}
