import { eventListeners, type EventListener } from '../../api/triggers/objects.ts';
import { answerAnnotation, outcomeEvent, toldEventId } from '../../api/triggers/outcome-event.ts';
import { apiVersionOf } from '../../kube/object.ts';
import type { cloudEventTeller } from './cloud-events.ts';
import type { ReceivedEvent } from './event.ts';
import type { ListenerMeans } from './means.ts';
import type { Telling } from './sink.ts';
import type { TriggerOutcome } from './trigger.ts';

/** How an outcome is told: in the log, by a CloudEvent, and by an event on the listener. */
interface Words {
  level: 'info' | 'error';
  fields: object;
  logged: string;
  cloud?: 'failed' | 'successful';
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
        text: message,
      };
    case 'repeated':
      return {
        level: 'info',
        fields: { created },
        logged: 'an event was taken before',
        text: message,
      };
    case 'stopped':
      return {
        level: 'info',
        fields: { interceptor, reason: message },
        logged: 'an interceptor stopped an event',
        text: message,
      };
    case 'created':
      return {
        level: 'info',
        fields: { created },
        logged: 'an event created objects',
        cloud: 'successful',
        text: created.map(({ kind, name }) => `${kind} ${name}`).join(', '),
      };
    default:
      return outcome satisfies never;
  }
}

/**
 * How much is told of one listener: the last twenty events of three triggers, then one outcome in five seconds. What is
 * told again and again is a count on one object.
 */
export const toldPerListener = { burst: 60, qps: 0.2 };

/** Counts, events on the listener, CloudEvents and the log. */
export function telling(
  { env, events, log, meters }: Pick<ListenerMeans, 'env' | 'events' | 'log' | 'meters'>,
  cloudEvent: ReturnType<typeof cloudEventTeller>['tell'],
): Telling {
  const isTold = env['EL_EVENT'] === 'enable';
  const kubeEvent = (listener: EventListener, event: ReceivedEvent, told: TriggerOutcome, text: string) =>
    events.tell(
      { apiVersion: apiVersionOf(eventListeners), kind: 'EventListener', ...listener },
      {
        type: told.outcome === 'failed' ? 'Warning' : 'Normal',
        ...outcomeEvent({ ...told, text }),
        annotations: { [toldEventId]: event.id },
      },
    );
  return {
    counted: meters.received,
    started: (event) => cloudEvent('started', event),
    outcome: (listener, event, outcome) => {
      const { trigger, namespace } = outcome;
      const { level, fields, logged, cloud, text } = wordsFor(outcome);
      log[level]({ 'triggers.tekton.dev/triggers-eventid': event.id, trigger, namespace, ...fields }, logged);
      if (cloud) cloudEvent(cloud, event);
      const isWanted = isTold || listener.metadata.annotations?.[answerAnnotation] === 'outcome';
      if (level === 'error' || isWanted) kubeEvent(listener, event, outcome, text);
    },
    done: (_listener, event) => cloudEvent('done', event),
  };
}
