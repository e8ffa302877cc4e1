import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { bodyOf } from '../request-body.fake.ts';
import type { ClusterConfig } from './config.ts';

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

/** One scripted answer. */
export type Answer = (response: ServerResponse, request: SeenRequest) => void;

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
export const failure = (
  status: number,
  reason: string,
  more: object = {},
  headers: Record<string, string> = {},
): Answer =>
  json(
    status,
    {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: status,
      reason,
      message: `scripted ${reason}`,
      ...more,
    },
    headers,
  );
/** Ends the connection without a word. */
export const hangUp: Answer = (response) => {
  response.socket?.destroy();
};

/** A pod-like object. */
export const pod = (name: string, resourceVersion: number, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion: String(resourceVersion), ...more },
});
export const list = (resourceVersion: number, items: unknown[], next?: string): Answer =>
  json(200, {
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(resourceVersion), ...(next ? { continue: next } : {}) },
    items,
  });
export const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
export const bookmark = (resourceVersion: number): string =>
  line('BOOKMARK', { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(resourceVersion) } });

/**
 * Writes chunks one after another, then does as told: 'end' the answer well, 'cut' the connection, 'hold' it open in
 * silence.
 */
export const stream =
  (chunks: (string | Uint8Array)[], then: 'end' | 'cut' | 'hold'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const next = (i: number) => {
      if (response.destroyed) return;
      const chunk = chunks[i];
      if (chunk !== undefined) {
        response.write(chunk, () => setTimeout(next, 2, i + 1));
      } else if (then === 'end') response.end();
      else if (then === 'cut') response.socket?.destroy();
    };
    next(0);
  };

/**
 * An HTTP server that answers exactly what a test scripts, in order, lists and watches apart. Without a script left, a
 * watch is held open and anything else is a 500 that names the surprise.
 */
export class MisbehavingServer {
  readonly requests: SeenRequest[] = [];
  readonly #scripts: Record<'watch' | 'other', Answer[]> = { watch: [], other: [] };
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<MisbehavingServer> {
    const server = new MisbehavingServer();
    await server.listen(0);
    return server;
  }

  /** Adds answers to requests that are no watches. */
  reply(...answers: Answer[]): this {
    this.#scripts.other.push(...answers);
    return this;
  }
  /** Adds answers to watches. */
  watch(...answers: Answer[]): this {
    this.#scripts.watch.push(...answers);
    return this;
  }

  get watches(): SeenRequest[] {
    return this.requests.filter((request) => request.query.get('watch') === 'true');
  }
  get others(): SeenRequest[] {
    return this.requests.filter((request) => request.query.get('watch') !== 'true');
  }
  /** resourceVersions from which watches were asked for. */
  get watchedFrom(): (string | null)[] {
    return this.watches.map((request) => request.query.get('resourceVersion'));
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get connections(): number {
    return this.#sockets.size;
  }

  config(): ClusterConfig {
    return {
      server: new URL(`http://127.0.0.1:${this.port}`),
      namespace: 'default',
      credentials: () => Promise.resolve({ headers: { authorization: 'Bearer t' } }),
    };
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  /** As a killed process: every connection breaks and new ones are refused. */
  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return;
    const url = new URL(request.url ?? '/', 'http://x');
    const seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: body.toString(),
    };
    this.requests.push(seen);
    const isWatch = seen.query.get('watch') === 'true';
    const answer =
      this.#scripts[isWatch ? 'watch' : 'other'].shift() ??
      (isWatch
        ? stream([], 'hold')
        : failure(500, 'Unscripted', { message: `unscripted ${seen.method} ${request.url}` }));
    answer(response, seen);
  }
}
