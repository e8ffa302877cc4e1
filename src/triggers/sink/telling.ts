import { eventListeners, type EventListener } from '../../api/triggers/objects.ts';
import { apiVersionOf } from '../../kube/object.ts';
import type { cloudEventTeller } from './cloud-events.ts';
import type { ListenerMeans } from './means.ts';
import { settingNames, type Telling } from './sink.ts';
import type { TriggerOutcome } from './trigger.ts';

/** How an outcome is told: in the log, by a CloudEvent, and by an event on the listener. */
interface Words {
  level: 'info' | 'error';
  fields: object;
  logged: string;
  cloud?: 'failed' | 'successful';
  reason: string;
  text: string;
}

function wordsFor({ outcome, message = '', created = [], interceptor }: TriggerOutcome): Words {
  switch (outcome) {
    case 'failed':
      return {
        level: 'error',
        fields: { problem: message },
        logged: 'a trigger failed',
        cloud: 'failed',
        reason: 'TriggerFailed',
        text: message,
      };
    case 'repeated':
      return {
        level: 'info',
        fields: { created },
        logged: 'an event was taken before',
        reason: 'TriggerRepeated',
        text: message,
      };
    case 'stopped':
      return {
        level: 'info',
        fields: { interceptor, reason: message },
        logged: 'an interceptor stopped an event',
        reason: 'TriggerStopped',
        text: `${interceptor}: ${message}`,
      };
    case 'created':
      return {
        level: 'info',
        fields: { created },
        logged: 'an event created objects',
        cloud: 'successful',
        reason: 'TriggerCreated',
        text: created.map(({ kind, name }) => `${kind} ${name}`).join(', '),
      };
    default:
      return outcome satisfies never;
  }
}

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
      const { trigger, namespace } = outcome;
      const { level, fields, logged, cloud, reason, text } = wordsFor(outcome);
      log[level]({ 'triggers.tekton.dev/triggers-eventid': event.id, trigger, namespace, ...fields }, logged);
      if (cloud) cloudEvent(cloud, event);
      const isWanted = isTold || listener.metadata.annotations?.[settingNames.answer] === 'outcome';
      if (level === 'error') kubeEvent(listener, 'Warning', reason, `trigger ${namespace}/${trigger}: ${text}`);
      else if (isWanted) kubeEvent(listener, 'Normal', reason, `trigger ${namespace}/${trigger}: ${text}`);
    },
    done: (_listener, event) => cloudEvent('done', event),
  };
}
