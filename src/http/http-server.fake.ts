import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface FakeAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Objects go as JSON. */
  body?: unknown;
}

export interface FakeServer {
  url: string;
  requests: SeenRequest[];
  close: () => Promise<void>;
}

/**
 * A server, on loopback unless it is to be elsewhere, that keeps every request whole, for tests that judge what a
 * client sends.
 */
export async function startServer(
  answer: (request: SeenRequest, earlier: number) => FakeAnswer | Promise<FakeAnswer>,
  host = '127.0.0.1',
): Promise<FakeServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const seen: SeenRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      requests.push(seen);
      Promise.resolve(answer(seen, requests.length - 1)).then(
        ({ status = 200, headers = {}, body }) => {
          const bytes = body instanceof Uint8Array || typeof body === 'string';
          response.writeHead(status, {
            ...(bytes || body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          });
          response.end(bytes ? body : body === undefined ? '' : JSON.stringify(body));
        },
        (error: unknown) => response.writeHead(599).end(String(error)),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
