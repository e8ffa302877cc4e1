import type { ServerAnswer } from '../../http/server.ts';
import { headerValue, type Header } from '../resolve/header.ts';
import type { TriggerOutcome } from './trigger.ts';

/** Upstream's answer, and what only Tektite's says, which is left out unless it is asked for. */
export interface SinkAnswer {
  /** Deprecated upstream: use eventListenerUID. */
  eventListener: string;
  namespace?: string;
  eventListenerUID: string;
  eventID?: string;
  errorMessage?: string;
  /** What became of each trigger. */
  triggers?: readonly TriggerOutcome[];
  /** Creations that wait since the API server throttles. */
  waiting?: number;
}

const json = { 'content-type': 'application/json' };

export function answered(status: number, body: SinkAnswer, more: Readonly<Record<string, string>> = {}): ServerAnswer {
  return { status, headers: { ...json, ...more }, body: `${JSON.stringify(body)}\n` };
}

/** Whether a request is a CloudEvent, binary or structured. */
export function isCloudEvent(header: Header): boolean {
  return (
    headerValue(header, 'Ce-Specversion') !== '' ||
    headerValue(header, 'Content-Type').startsWith('application/cloudevents')
  );
}

/** What a CloudEvent is answered with: one that says that it was accepted. */
export function acceptedCloudEvent(body: SinkAnswer): ServerAnswer {
  const { eventListener, namespace = '', eventID = '' } = body;
  return answered(202, body, {
    'ce-specversion': '1.0',
    'ce-id': eventID,
    'ce-type': 'dev.tekton.event.triggers.accepted.v1',
    'ce-source': eventListener,
    'ce-subject': `${namespace}.${eventListener} accepted ${eventID}`,
  });
}
