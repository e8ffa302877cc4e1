import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ClusterConfig, Credentials } from './config.ts';
import { poolOf, secureOf } from './pool.ts';

/** A request of somebody else: what the API server answers is the answer, whatever it is. */
export interface PassedRequest {
  method: string;
  /** Path and query, escaped as they are to be sent. */
  target: string;
  /** Names and values in turn. */
  headers: readonly string[];
  body?: Buffer;
  /** It is made with this process's own credentials; else those in `headers` are all there are. */
  own: boolean;
  signal: AbortSignal;
}

/** What came of asking for another protocol: the connection that speaks it, or an ordinary answer. */
export type Upgraded =
  | { kind: 'upgraded'; answer: IncomingMessage; socket: Duplex; head: Buffer }
  | { kind: 'answer'; answer: IncomingMessage };

interface Pools {
  fingerprint: string;
  own: Dispatcher;
  others: Dispatcher;
}

/** An answer that has not begun after this long is lost. */
const HEADERS_MS = 65_000;
const CONNECTIONS = 512;

/**
 * Passes requests of others on to the API server, unchanged and without retries. Callers with credentials of their own
 * share no connection with this process: a client certificate of ours would outweigh their token.
 */
export class PassThrough {
  readonly #config: ClusterConfig;
  #pools: Pools | undefined;

  constructor(config: ClusterConfig) {
    this.#config = config;
  }

  /** The answer as it begins; its body comes as it is read. Rejects when no answer comes. */
  async forward({ method, target, headers, body, own, signal }: PassedRequest): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#config.credentials();
    const pools = this.#poolsFor(credentials);
    return (own ? pools.own : pools.others).request({
      origin: this.#config.server.origin,
      method: method,
      path: this.#path(target),
      headers: [...headers, ...(own ? Object.entries(credentials.headers).flat() : [])],
      body: body ?? null,
      signal,
    });
  }

  /**
   * Asks for another protocol on a connection of its own. `headers` hold Connection and Upgrade.
   * @throws for a cluster that is reached over an HTTP proxy.
   */
  async upgrade({ method, target, headers, own, signal }: PassedRequest): Promise<Upgraded> {
    const { server, proxy } = this.#config;
    if (proxy) throw new Error(`the API server is reached over the proxy ${proxy.host}: it passes no upgrades`);
    const credentials = await this.#config.credentials();
    const { headers: ours, ...tls } = credentials;
    const options = {
      host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: server.port || (server.protocol === 'https:' ? 443 : 80),
      method,
      path: this.#path(target),
      headers: ['host', server.host, ...headers, ...(own ? Object.entries(ours).flat() : [])],
      agent: false as const,
      signal,
    };
    const request =
      server.protocol === 'https:'
        ? tlsRequest({ ...options, ...secureOf(own ? tls : withoutIdentity(tls)) })
        : plainRequest(options);
    return upgraded(request);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.own.destroy(), pools?.others.destroy()]);
  }

  #path(target: string): string {
    return this.#config.server.pathname.replace(/\/$/, '') + target;
  }

  #poolsFor({ headers: _headers, ...tls }: Credentials): Pools {
    const fingerprint = JSON.stringify([tls.ca, tls.cert, tls.key, tls.rejectUnauthorized, tls.serverName].map(String));
    if (this.#pools?.fingerprint === fingerprint) return this.#pools;
    const old = this.#pools;
    const limits = { connections: CONNECTIONS, headersTimeout: HEADERS_MS, bodyTimeout: 0 };
    this.#pools = {
      fingerprint,
      own: poolOf(this.#config, tls, limits),
      others: poolOf(this.#config, withoutIdentity(tls), limits),
    };
    // Streams under way end by themselves.
    for (const pool of old ? [old.own, old.others] : []) void pool.close().catch(() => undefined);
    return this.#pools;
  }
}

function withoutIdentity({ cert: _cert, key: _key, ...rest }: Omit<Credentials, 'headers'>) {
  return rest;
}

function upgraded(request: ClientRequest): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('upgrade', (answer, socket, head) => resolve({ kind: 'upgraded', answer, socket, head }));
    request.once('response', (answer) => resolve({ kind: 'answer', answer }));
    request.setTimeout(HEADERS_MS, () => request.destroy(new Error('the API server did not answer in time')));
    request.once('upgrade', () => request.setTimeout(0));
    request.end();
  });
}
