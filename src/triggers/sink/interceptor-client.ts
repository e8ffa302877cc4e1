import { LRUCache } from 'lru-cache';
import { HttpClient } from '../../http/client.ts';
import { canonicalHeader, type Header } from '../resolve/header.ts';
import type { InterceptorClient } from './chain.ts';

/** Of this connection, not of the event. */
const ownHeaders = new Set([
  'Connection',
  'Content-Length',
  'Expect',
  'Host',
  'Keep-Alive',
  'Proxy-Connection',
  'Te',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
]);
const longestAnswer = 16 * 1024 * 1024;
const webhookMs = 5_000;
/** Certificates of interceptors whose connections are kept. */
const mostBundles = 100;
/** A burst of events waits for connections: as many handshakes at once would keep the interceptor from answering. */
const connections = 64;

/** Asks interceptors over HTTP; each is trusted by the certificate that its object names, besides the usual ones. */
export function interceptorClient(
  find: InterceptorClient['find'],
  deadlineMs: number,
): InterceptorClient & { close: () => Promise<void> } {
  const clients = new LRUCache<string, HttpClient>({
    max: mostBundles,
    dispose: (client) => void client.close().catch(() => undefined),
  });
  const clientFor = (caBundle = ''): HttpClient => {
    const known = clients.get(caBundle);
    if (known) return known;
    const made = new HttpClient({
      attempts: 2,
      deadlineMs,
      connections,
      ...(caBundle === '' ? {} : { ca: [caBundle] }),
    });
    clients.set(caBundle, made);
    return made;
  };
  return {
    find,
    post: ({ url, caBundle }, body, signal) =>
      clientFor(caBundle).send(
        {
          method: 'POST',
          url,
          operation: 'interceptor',
          headers: { 'content-type': 'application/json' },
          body,
          limit: longestAnswer,
        },
        signal,
      ),
    postWebhook: async (url, { header, body }, signal) => {
      const headers = Object.fromEntries(
        Object.entries(header)
          .filter(([name]) => !ownHeaders.has(name))
          .map(([name, values]) => [name, values.join(',')]),
      );
      const answer = await clientFor().send(
        {
          method: 'POST',
          url,
          operation: 'webhook',
          headers,
          body,
          limit: longestAnswer,
          deadlineMs: webhookMs,
          attempts: 1,
        },
        signal,
      );
      return { status: answer.status, header: withoutOwn(canonicalHeader(answer.headers)), body: answer.body };
    },
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

function withoutOwn(header: Header): Header {
  return Object.fromEntries(Object.entries(header).filter(([name]) => !ownHeaders.has(name)));
}
