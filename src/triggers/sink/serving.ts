import { serve, type RunningServer, type ServerCertificate, type ServerHandler } from '../../http/server.ts';
import type { Logger } from '../../log.ts';
import { answered } from './answer.ts';
import type { ListenerFlags } from './flags.ts';

/** What takes a listener's requests, and with which certificate; without one, plain HTTP. */
export interface Serving {
  handle: ServerHandler;
  certificate?: ServerCertificate;
  /** Connections at a time; further ones are closed. */
  maxConnections?: number;
  /** Whether there is room to read so many bytes (see ServerOptions). */
  admit?: (bytes: number) => (() => void) | undefined;
  log: Logger;
}

/** Opens a listener's port: `/live` for probes, everything else is an event. @throws when the port is taken */
export function serveEvents(
  { listener, port, bodyLimit, readMs }: Pick<ListenerFlags, 'listener' | 'port' | 'bodyLimit' | 'readMs'>,
  { handle, certificate, maxConnections, admit, log }: Serving,
): Promise<RunningServer> {
  const { name, namespace } = listener;
  return serve(
    [
      { method: '*', path: '/live', handler: () => ({ status: 200, body: 'ok' }) },
      { method: '*', path: '/*', handler: handle },
    ],
    {
      port,
      ...(certificate ? { certificate } : {}),
      ...(maxConnections === undefined ? {} : { maxConnections }),
      ...(admit === undefined ? {} : { admit }),
      bodyLimit,
      receiveMs: Math.max(readMs, 1_000),
      refusal: (status, errorMessage) =>
        answered(status, { eventListener: name, namespace, eventListenerUID: '', errorMessage }),
      log,
    },
  );
}
