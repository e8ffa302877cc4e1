import { getCACertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { elapsedScale, systemClock, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { RegistryError } from './registry-error.ts';

/** What one HTTP exchange was, for metrics. `status` 0: no answer came. */
export interface RegistryExchange {
  host: string;
  method: string;
  /** What it was for, of few words: `manifest`, `blob`, `upload`, `referrers`, `token`, `ping`. */
  operation: string;
  status: number;
  seconds: number;
}

export interface RegistryTransportOptions {
  /** PEM certificates trusted besides Node's (which include those of NODE_EXTRA_CA_CERTS). */
  ca?: readonly string[];
  clock?: Clock;
  random?: () => number;
  /** Called once per exchange, retries included. */
  onExchange?: (exchange: RegistryExchange) => void;
  /** Tries in all for what may pass: no connection, 408, 429, 5xx. Default 4. */
  attempts?: number;
  /** Milliseconds without an answer, or without a byte of it, until a try counts as failed. Default 60 s. */
  timeoutMs?: number;
}

export interface RegistryRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  url: URL;
  operation: string;
  headers?: Record<string, string>;
  /** Sent to the URL's own origin only, never to where it redirects. */
  authorization?: string | undefined;
  body?: Buffer | string;
  /** TLS certificates are not checked, and TLS may redirect to plain HTTP. */
  insecure?: boolean;
  /** Bytes of body accepted; default 4 MiB. */
  limit?: number;
  /** Tries for this one, in place of the transport's. */
  attempts?: number | undefined;
}

export interface RegistryAnswer {
  /** After redirects. */
  url: URL;
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const passing = new Set([408, 429, 499, 500, 502, 503, 504, 522]);
const mostRedirects = 5;
const defaultLimit = 4 * 1024 * 1024;
const firstPauseMs = 150;
const longestPauseMs = 30_000;

/** HTTP to registries: pooled connections, redirects that do not leak credentials, retries that heed Retry-After. */
export class RegistryTransport {
  readonly clock: Clock;
  readonly #options: RegistryTransportOptions;
  readonly #dispatchers = new Map<boolean, Dispatcher>();

  constructor(options: RegistryTransportOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
  }

  /**
   * Sends until there is an answer that is not worth another try; the answer may be an error status.
   * @throws RegistryError (status 0) when no answer comes; the signal's reason when aborted.
   */
  async send(wanted: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    const attempts = wanted.attempts ?? this.#options.attempts ?? 4;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#follow(wanted, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        if (error instanceof RegistryError) return error;
        return new RegistryError(0, `registry ${wanted.url.origin} cannot be reached: ${messageOf(error)}`, {
          cause: error,
        });
      });
      if (!(outcome instanceof RegistryError) && (!passing.has(outcome.status) || attempt >= attempts)) return outcome;
      if (outcome instanceof RegistryError && (outcome.isFinal || attempt >= attempts)) throw outcome;
      const asked =
        outcome instanceof RegistryError ? undefined : retryAfterMs(outcome.headers['retry-after'], this.clock.now());
      await this.clock.sleep(asked ?? this.#pause(attempt), signal);
    }
  }

  /** Closes idle connections and waits for running exchanges. */
  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.close()));
  }

  async #follow(wanted: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    let { url, method, body } = wanted;
    for (let hops = 0; ; hops += 1) {
      const authorization = url.origin === wanted.url.origin ? wanted.authorization : undefined;
      const headers = { 'user-agent': 'tektite', ...wanted.headers, ...(authorization ? { authorization } : {}) };
      const answer = await this.#once(
        { ...wanted, url, method, ...(body === undefined ? {} : { body }) },
        headers,
        signal,
      );
      const location = answer.headers['location'];
      if (!redirects.has(answer.status) || location === undefined) return answer;
      if (hops >= mostRedirects)
        throw new RegistryError(400, `${wanted.url.host} redirects without end: ${wanted.url.pathname}`);
      const next = new URL(location, url);
      if (url.protocol === 'https:' && next.protocol !== 'https:' && !wanted.insecure) {
        throw new RegistryError(
          400,
          `${url.host} redirects from TLS to ${next.protocol}//${next.host}; allow it with storage.oci.repository.insecure, or mend the registry's external URL`,
        );
      }
      if (answer.status === 303 || (answer.status <= 302 && method === 'POST')) [method, body] = ['GET', undefined];
      url = next;
    }
  }

  async #once(wanted: RegistryRequest, headers: Record<string, string>, signal: AbortSignal): Promise<RegistryAnswer> {
    const { method, url, operation } = wanted;
    const begun = elapsedScale(this.clock);
    let status = 0;
    try {
      const response = await request(url, {
        method,
        headers,
        signal,
        dispatcher: this.#dispatcher(wanted.insecure ?? false),
        ...(wanted.body === undefined ? {} : { body: wanted.body }),
      });
      status = response.statusCode;
      const body = await readAtMost(response.body, wanted.limit ?? defaultLimit, url);
      return { url, status, headers: singleHeaders(response.headers), body };
    } catch (error) {
      status = 0;
      throw error;
    } finally {
      this.#options.onExchange?.({
        host: url.host,
        method,
        operation,
        status,
        seconds: (elapsedScale(this.clock) - begun) / 1000,
      });
    }
  }

  #dispatcher(insecure: boolean): Dispatcher {
    const known = this.#dispatchers.get(insecure);
    if (known) return known;
    const own = this.#options.ca ?? [];
    const tls = {
      ...(own.length > 0 ? { ca: [...getCACertificates('default'), ...own] } : {}),
      ...(insecure ? { rejectUnauthorized: false } : {}),
    };
    const timeoutMs = this.#options.timeoutMs ?? 60_000;
    const options = {
      keepAliveTimeout: 10_000,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: 5_000, ...tls },
    };
    const proxied = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some((name) => process.env[name]);
    const dispatcher = proxied ? new EnvHttpProxyAgent({ ...options, requestTls: tls }) : new Agent(options);
    this.#dispatchers.set(insecure, dispatcher);
    return dispatcher;
  }

  #pause(attempt: number): number {
    const random = this.#options.random ?? Math.random;
    return firstPauseMs * 3 ** (attempt - 1) * (0.5 + random());
  }
}

/** Milliseconds of a Retry-After header (seconds or an HTTP date), at most 30 s; undefined when there is none. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined || header === '') return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestPauseMs);
}

function singleHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}

async function readAtMost(body: AsyncIterable<Uint8Array>, limit: number, url: URL): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // 413: final, as asking again brings as much.
    if (size > limit)
      throw new RegistryError(413, `${url.host} answers with more than ${limit} bytes to ${url.pathname}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
