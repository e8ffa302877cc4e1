import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Agent, request as httpRequest, type Dispatcher } from 'undici';
import type { ClusterConfig } from '../../src/kube/config.ts';

export type Fault = 'too many requests' | 'internal error' | 'gone' | 'cut' | 'slow' | 'answer lost';

interface Call {
  method: string;
  resource: string;
  isWatch: boolean;
  isList: boolean;
}

const SLOW_MS = 5_000;
const LONGEST_WATCH_MS = 10_000;

function callOf({ method = 'GET', url = '/' }: IncomingMessage): Call {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const words = pathname.split('/').filter(Boolean);
  const rest = words.slice(words[0] === 'api' ? 2 : 3);
  const own = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  const isCollection = method === 'GET' && own.length === 1;
  return {
    method,
    resource: own[0] ?? '',
    isWatch: isCollection && searchParams.has('watch'),
    isList: isCollection && !searchParams.has('watch') && !searchParams.has('continue'),
  };
}

/** The faults that can befall a call: what a server, a load balancer or a network does to it. */
function faultsOf({ method, isWatch, isList }: Call): Fault[] {
  if (isWatch) return ['too many requests', 'internal error', 'gone', 'slow'];
  if (isList) return ['too many requests', 'internal error', 'cut', 'slow'];
  return [
    'too many requests',
    'internal error',
    'cut',
    'slow',
    ...(method === 'GET' ? [] : (['answer lost'] as const)),
  ];
}

/**
 * Stands in front of an API server and breaks a share of all calls. Every watch is cut after some seconds. Counts the
 * faults, and the lists of each resource.
 */
export class FaultProxy {
  readonly faults = new Map<Fault, number>();
  /** Whole lists, by resource. */
  readonly lists = new Map<string, number>();
  /** Faults that make another list necessary, by resource: a watch answered with 410, a list that failed itself. */
  readonly forcedLists = new Map<string, number>();
  /** Asked about each call before it is passed on: JSON to answer with in the server's place, or nothing. */
  instead: (call: { method: string; path: string }) => string | undefined | Promise<string | undefined> = () =>
    undefined;
  readonly #config: ClusterConfig;
  readonly #share: number;
  readonly #random: () => number;
  readonly #server: Server;
  #agent: Agent | undefined;

  /** @param share of calls that are broken, 0 to 1 */
  constructor(config: ClusterConfig, share: number, random: () => number = Math.random) {
    this.#config = config;
    this.#share = share;
    this.#random = random;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  /** Starts it. Returns its address. */
  async listen(): Promise<URL> {
    const { ca, cert, key } = await this.#config.credentials();
    this.#agent = new Agent({ connect: { ca, cert, key }, bodyTimeout: 0, connections: 256 });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#agent?.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const own = await this.instead({ method, path: new URL(url, 'http://proxy').pathname });
    if (own !== undefined) return void response.writeHead(200, { 'content-type': 'application/json' }).end(own);
    const call = callOf(request);
    if (call.isList) count(this.lists, call.resource);
    const fault = this.#draw(call);
    if (fault === 'gone' || (call.isList && fault !== undefined && fault !== 'slow'))
      count(this.forcedLists, call.resource);
    switch (fault) {
      case 'too many requests':
        return refuse(response, 429, 'TooManyRequests', { 'retry-after': '1' });
      case 'internal error':
        return refuse(response, 500, 'InternalError');
      case 'gone':
        return refuse(response, 410, 'Expired');
      case 'cut':
        response.destroy();
        return;
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
        return this.#forward(request, response, call);
      case 'answer lost':
        await (await this.#send(request)).body.dump();
        response.destroy();
        return;
      case undefined:
        return this.#forward(request, response, call);
      default: {
        const never: never = fault;
        return never;
      }
    }
  }

  #draw(call: Call): Fault | undefined {
    // Leases and discovery are not what is tested.
    if (call.resource === '' || this.#random() >= this.#share) return undefined;
    const possible = faultsOf(call);
    const fault = possible[Math.floor(this.#random() * possible.length)];
    if (fault) count(this.faults, fault);
    return fault;
  }

  async #forward(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> {
    const answer = await this.#send(request);
    const kept = ['content-type', 'retry-after'].flatMap((name) => {
      const value = answer.headers[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    response.writeHead(answer.statusCode, Object.fromEntries(kept));
    response.flushHeaders();
    const cut = call.isWatch ? setTimeout(() => response.destroy(), this.#random() * LONGEST_WATCH_MS) : undefined;
    try {
      await pipeline(answer.body, response);
    } finally {
      clearTimeout(cut);
    }
  }

  async #send(request: IncomingMessage): Promise<Dispatcher.ResponseData> {
    const { method = 'GET', url = '/', headers } = request;
    const body = method === 'GET' ? null : Buffer.concat((await request.toArray()) as Buffer[]);
    const kept = ['accept', 'content-type', 'user-agent'] as const;
    const sent = Object.fromEntries(kept.flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])));
    return httpRequest(new URL(url, this.#config.server), {
      method: method,
      headers: sent,
      body,
      ...(this.#agent ? { dispatcher: this.#agent } : {}),
    });
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function refuse(response: ServerResponse, code: number, reason: string, headers: Record<string, string> = {}): void {
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `injected: ${reason}` };
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
