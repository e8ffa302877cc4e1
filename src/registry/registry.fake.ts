import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as it came in. */
export interface Heard {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string | object;
  /** Breaks the connection in place of answering. */
  reset?: boolean;
}

/** An HTTP server that answers as a test says and remembers what it was asked. */
export class ScriptedServer {
  readonly heard: Heard[] = [];
  answer: (heard: Heard) => Reply = () => ({ status: 404 });
  readonly #server: Server;
  host = '';

  private constructor(tls?: { key: string; cert: string }) {
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
  }

  static async start(tls?: { key: string; cert: string }): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(tls);
    await new Promise<void>((resolve) => scripted.#server.listen(0, '127.0.0.1', resolve));
    scripted.host = `127.0.0.1:${(scripted.#server.address() as AddressInfo).port}`;
    return scripted;
  }

  /** What was asked, shortly: `GET /v2/x/manifests/y`. */
  get lines(): string[] {
    return this.heard.map(({ method, path }) => `${method} ${path}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://server');
    const heard = { method: request.method ?? '', path: url.pathname, query: url.searchParams, headers: request.headers, body: Buffer.concat(chunks).toString() };
    this.heard.push(heard);
    const { status, headers = {}, body = '', reset } = this.answer(heard);
    if (reset) return void request.socket.destroy();
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

/** A clock whose sleeps take no time and are counted. */
export class HurriedClock {
  readonly slept: number[] = [];
  #time = Date.parse('2026-01-01T00:00:00Z');
  now(): Date {
    return new Date(this.#time);
  }
  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#time += ms;
    return Promise.resolve();
  }
}
