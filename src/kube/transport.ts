import { request as httpRequest } from 'undici';
import type { Dispatcher } from 'undici';
import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { ApiError } from './api-error.ts';
import type { ClusterConfig, Credentials } from './config.ts';
import { FairLimit } from './fair-limit.ts';
import { poolOf } from './pool.ts';
import { retryDelayMs } from './retry.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Whose call it is: the client's rate is shared out among namespaces. */
  namespace?: string | undefined;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: string;
  contentType?: string;
  accept?: string;
  /** Sending it twice is the same as once. */
  idempotent: boolean;
  /** Tries in all for lost connections; default 6. */
  attempts?: number;
  /** Not counted against the client's own rate limit: leases, watches, and who has a limit of his own (events). */
  unlimited?: boolean;
  signal?: AbortSignal | undefined;
  /** For metrics: get, list, watch, create, update, patch, delete ... */
  verb: string;
  resource: string;
}

export interface RequestRecord {
  method: HttpRequest['method'];
  verb: string;
  resource: string;
  /** 0 when no answer came. */ status: number;
  seconds: number;
}

export interface TransportOptions {
  userAgent?: string;
  /** Requests a second; absent: no limit of our own (the server's priority and fairness rules). */
  qps?: number;
  burst?: number;
  onRequest?: (record: RequestRecord) => void;
  /** Multiplex over HTTP/2 in place of keep-alive connections. */
  http2?: boolean;
  /** An answer that has not begun after this long is lost. */
  timeoutMs?: number;
  clock?: Clock;
  random?: () => number;
}

const ATTEMPTS = 6;
/** Calls under way within the rate limit; beyond them wait in a fair line, not in a connection's. */
const IN_FLIGHT = 32;
/** Some more than that, so that leases and events never wait for a connection. */
const UNARY_CONNECTIONS = IN_FLIGHT + 8;
const TIMEOUT_MS = 65_000;

interface Connections {
  /** Those for which it was last asked: the same object for a minute. */
  credentials: Credentials;
  fingerprint: string;
  unary: Dispatcher;
  streams: Dispatcher;
}

/**
 * Sends requests to one API server: credentials, connections, retries, rate limit. What others ask of it through us
 * goes by PassThrough.
 */
export class Transport {
  readonly #config: ClusterConfig;
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #limit: FairLimit | undefined;
  #connections: Connections | undefined;

  constructor(config: ClusterConfig, options: TransportOptions = {}) {
    this.#config = config;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#limit = options.qps
      ? new FairLimit({
          qps: options.qps,
          burst: options.burst ?? options.qps * 2,
          inFlight: IN_FLIGHT,
          clock: this.#clock,
        })
      : undefined;
  }

  /** Whether several calls within the rate limit are under way: what is not urgent stays behind them. */
  get isBusy(): boolean {
    return this.#limit?.isBusy ?? false;
  }

  /**
   * The body of a successful answer. @throws ApiError for any other answer, transport errors when retries are used up.
   */
  async send(request: HttpRequest): Promise<string> {
    return this.#withRetries(request, async (fresh) => {
      const response = await this.#dispatch(request, 'unary', fresh);
      return response.body.text();
    });
  }

  /**
   * The body of a successful answer as it arrives. The first answer is retried as `attempts` says; what breaks later is
   * the reader's.
   */
  async stream(request: HttpRequest): Promise<Dispatcher.ResponseData['body']> {
    return this.#withRetries(request, async (fresh) => (await this.#dispatch(request, 'streams', fresh)).body);
  }

  /** Closes idle connections at once and the others when their request ends; `force` ends those too. */
  async close(force = false): Promise<void> {
    const connections = this.#connections;
    this.#connections = undefined;
    if (!connections) return;
    const end = (dispatcher: Dispatcher) => (force ? dispatcher.destroy() : dispatcher.close());
    await Promise.all([end(connections.unary), end(connections.streams)]);
  }

  async #withRetries<R>(request: HttpRequest, once: (freshCredentials: boolean) => Promise<R>): Promise<R> {
    const policy = { idempotent: request.idempotent, attempts: request.attempts ?? ATTEMPTS, random: this.#random };
    let fresh = false;
    let refreshed = false;
    for (let attempt = 1; ; attempt++) {
      request.signal?.throwIfAborted();
      try {
        return await this.#inTurn(request, () => once(fresh));
      } catch (error) {
        request.signal?.throwIfAborted();
        // A token that expired between two reads of its file: one more try with a new one.
        if (error instanceof ApiError && error.isUnauthorized && !refreshed) {
          fresh = refreshed = true;
          continue;
        }
        fresh = false;
        const delay = retryDelayMs(error, attempt, policy);
        if (delay === undefined) throw error;
        await this.#clock.sleep(delay, request.signal);
      }
    }
  }

  /** Creations go behind: what has begun is brought to its end first. */
  async #inTurn<R>(request: HttpRequest, call: () => Promise<R>): Promise<R> {
    if (request.unlimited || !this.#limit) return call();
    const { namespace = '', method, signal } = request;
    const release = await this.#limit.take({ namespace, behind: method === 'POST', signal });
    try {
      return await call();
    } finally {
      release();
    }
  }

  async #dispatch(request: HttpRequest, kind: 'unary' | 'streams', fresh: boolean): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#config.credentials(fresh);
    const connections = this.#connectionsFor(credentials);
    const started = elapsedScale(this.#clock);
    let status = 0;
    try {
      const response = await httpRequest(this.#url(request), {
        dispatcher: connections[kind],
        method: request.method,
        headers: this.#headers(request, credentials),
        body: request.body ?? null,
        signal: request.signal ?? null,
      });
      status = response.statusCode;
      if (status >= 200 && status < 300) return response;
      const retryAfter = response.headers['retry-after'];
      throw ApiError.of(status, await response.body.text(), Array.isArray(retryAfter) ? retryAfter[0] : retryAfter);
    } finally {
      this.#options.onRequest?.({
        method: request.method,
        verb: request.verb,
        resource: request.resource,
        status,
        seconds: (elapsedScale(this.#clock) - started) / 1000,
      });
    }
  }

  #url(request: HttpRequest): URL {
    const url = new URL(this.#config.server);
    url.pathname = url.pathname.replace(/\/$/, '') + request.path;
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    return url;
  }

  #headers(request: HttpRequest, credentials: Credentials): Record<string, string> {
    return {
      ...credentials.headers,
      accept: request.accept ?? 'application/json',
      'user-agent': this.#options.userAgent ?? 'tektite',
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    };
  }

  /** One pair of connection pools for as long as TLS material stays the same; running streams outlive a change. */
  #connectionsFor(credentials: Credentials): Connections {
    if (this.#connections?.credentials === credentials) return this.#connections;
    const { headers: _headers, ...tls } = credentials;
    const fingerprint = JSON.stringify([tls.ca, tls.cert, tls.key, tls.rejectUnauthorized, tls.serverName].map(String));
    if (this.#connections?.fingerprint === fingerprint) {
      this.#connections.credentials = credentials;
      return this.#connections;
    }
    const old = this.#connections;
    const timeout = this.#options.timeoutMs ?? TIMEOUT_MS;
    const allowH2 = this.#options.http2 ?? false;
    this.#connections = {
      credentials,
      fingerprint,
      unary: poolOf(this.#config, tls, {
        connections: UNARY_CONNECTIONS,
        headersTimeout: timeout,
        bodyTimeout: timeout,
        allowH2,
      }),
      // A stream's silence is judged by its reader.
      streams: poolOf(this.#config, tls, { headersTimeout: timeout, bodyTimeout: 0, allowH2 }),
    };
    if (old)
      for (const pool of [old.unary, old.streams])
        pool.close().catch(() => {
          /* already gone */
        });
    return this.#connections;
  }
}
