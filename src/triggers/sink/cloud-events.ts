import { HttpClient } from '../../http/client.ts';
import type { Logger } from '../../log.ts';
import type { ReceivedEvent } from './event.ts';

export type CloudEventStage = 'started' | 'successful' | 'failed' | 'done';

/** Tells a URI how far events are, as upstream does. What cannot be told is logged: events go on without. */
export function cloudEventTeller(
  uri: string,
  { namespace, name }: { namespace: string; name: string },
  { log, signal }: { log: Logger; signal: AbortSignal },
): { tell: (stage: CloudEventStage, event: ReceivedEvent) => void; close: () => Promise<void> } {
  const client = new HttpClient({ attempts: 10, deadlineMs: 30_000 });
  const source = `/apis/triggers.tekton.dev/v1beta1/namespaces/${namespace}/EventListener/${name}`;
  return {
    tell: (stage, event) => {
      if (uri === '') return;
      client
        .send(
          {
            method: 'POST',
            url: new URL(uri),
            operation: 'cloudevent',
            headers: {
              'content-type': 'application/json',
              'ce-specversion': '1.0',
              'ce-id': event.id,
              'ce-type': `dev.tekton.event.triggers.${stage}.v1`,
              'ce-source': source,
              'ce-subject': `${name} processing ${event.id}`,
            },
            body: JSON.stringify(stage === 'done' ? null : event.header),
          },
          signal,
        )
        .then(
          ({ status }) => {
            if (status >= 300) log.warn({ status, stage }, 'the receiver of CloudEvents refused one');
          },
          (error: unknown) => log.warn({ error, stage }, 'cannot send a CloudEvent'),
        );
    },
    close: () => client.close(),
  };
}
