import { request, type Dispatcher } from 'undici';
import { elapsedScale, systemClock, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { readAtMost } from './body.ts';
import { withDeadline } from './deadline.ts';
import { Destinations, type DestinationOptions, type Peer } from './destination.ts';
import { Dispatchers, isProxied, type ConnectionOptions } from './dispatchers.ts';
import { HttpError, shownHost } from './http-error.ts';
import { redirectOf, type Hop } from './redirect.ts';
import type { HttpAnswer, HttpRequest } from './request.ts';
import { systemResolver, type Resolve } from './resolver.ts';
import { isPassing, pauseMs, retryAfterMs } from './retry.ts';

export type { HttpAnswer, HttpRequest } from './request.ts';

/** What one HTTP exchange was, for metrics. `status` 0: no answer came. */
export interface HttpExchange {
  host: string;
  method: string;
  /** What it was for, of few words: `manifest`, `token`. */
  operation: string;
  status: number;
  seconds: number;
}

export interface HttpClientOptions extends ConnectionOptions, Omit<DestinationOptions, 'resolve' | 'proxied'> {
  clock?: Clock;
  random?: () => number;
  resolve?: Resolve;
  /** Called once per exchange, retries included. */
  onExchange?: (exchange: HttpExchange) => void;
  /** Tries in all for what may pass: no connection, 408, 429, 5xx. Default 4. */
  attempts?: number;
  /** For a whole call with its retries, redirects and body. Default 60 s. */
  deadlineMs?: number;
  /** TLS certificates are not checked, whatever the request says. */
  insecure?: boolean;
}

const defaultLimit = 4 * 1024 * 1024;
const defaultAttempts = 4;
export const defaultDeadlineMs = 60_000;
/** Of a failure's cause, as OpenSSL and the operating system word it. */
const longestCause = 200;

/**
 * HTTP to servers that are not the API server: pooled connections, proxies, certificates; redirects that leak no
 * credentials and lead nowhere inside; retries that heed Retry-After; a bound on every answer and a deadline for every
 * call.
 */
export class HttpClient {
  readonly clock: Clock;
  readonly #options: HttpClientOptions;
  readonly #destinations: Destinations;
  readonly #dispatchers: Dispatchers;

  constructor(options: HttpClientOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    const resolve = options.resolve ?? systemResolver();
    this.#destinations = new Destinations({ ...options, resolve, proxied: isProxied() });
    this.#dispatchers = new Dispatchers(options, resolve, this.#destinations);
  }

  /**
   * Sends until there is an answer that is not worth another try; the answer may be an error status.
   * @throws HttpError when no answer comes in time, or it is too large; the signal's reason when aborted.
   */
  send(wanted: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const ms = wanted.deadlineMs ?? this.#options.deadlineMs ?? defaultDeadlineMs;
    const endsAt = elapsedScale(this.clock) + ms;
    return withDeadline({ ms, signal, late: () => late(wanted.url, ms) }, (bounded) =>
      this.#attempts(wanted, endsAt, bounded),
    );
  }

  /** Closes idle connections and waits for running exchanges. */
  close(): Promise<void> {
    return this.#dispatchers.close();
  }

  async #attempts(wanted: HttpRequest, endsAt: number, signal: AbortSignal): Promise<HttpAnswer> {
    const attempts = wanted.attempts ?? this.#options.attempts ?? defaultAttempts;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#try(wanted, attempt, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return error instanceof HttpError ? error : unreachable(wanted.url, error);
      });
      const failed = outcome instanceof HttpError;
      const pause = this.#pause(outcome, attempt);
      const mayPass = failed ? outcome.retryable : isPassing(outcome.status);
      // A pause beyond the deadline would only put off the same end.
      if (mayPass && attempt < attempts && elapsedScale(this.clock) + pause < endsAt) {
        await this.clock.sleep(pause, signal);
        continue;
      }
      if (failed) throw outcome;
      return outcome;
    }
  }

  #try(wanted: HttpRequest, attempt: number, signal: AbortSignal): Promise<HttpAnswer> {
    const { attemptMs: ms } = wanted;
    if (ms === undefined) return this.#follow(wanted, attempt, signal);
    return withDeadline({ ms, signal, late: () => late(wanted.url, ms) }, (bounded) =>
      this.#follow(wanted, attempt, bounded),
    );
  }

  async #follow(wanted: HttpRequest, attempt: number, signal: AbortSignal): Promise<HttpAnswer> {
    let hop: Hop = { url: wanted.url, method: wanted.method, body: wanted.body, hops: 0 };
    let home: Peer | undefined;
    for (;;) {
      const asked = { url: hop.url, namedBy: home ?? wanted.namedBy, attempt };
      const { route, peer } = await this.#destinations.route(asked, signal);
      home ??= peer;
      const dispatcher = this.#dispatchers.for(route, this.#options.insecure ?? wanted.insecure ?? false);
      const answer = await this.#once({ ...wanted, ...hop }, { dispatcher, wanted, signal });
      const next = redirectOf(answer, hop, wanted);
      if (next === undefined) return { ...answer, peer: home };
      hop = next;
    }
  }

  async #once(
    { url, method, body, ...rest }: HttpRequest & Hop,
    { dispatcher, wanted, signal }: { dispatcher: Dispatcher; wanted: HttpRequest; signal: AbortSignal },
  ): Promise<Omit<HttpAnswer, 'peer'>> {
    const isOwn = url.origin === wanted.url.origin;
    const headers = {
      'user-agent': 'tektite',
      ...(isOwn ? rest.headers : withoutSecrets(rest.headers ?? {})),
      ...(isOwn && wanted.authorization ? { authorization: wanted.authorization } : {}),
    };
    const begun = elapsedScale(this.clock);
    let status = 0;
    try {
      const response = await request(url, {
        method,
        headers,
        signal,
        dispatcher,
        ...(body === undefined ? {} : { body }),
      });
      const content = await readAtMost(response.body, rest.limit ?? defaultLimit, url, rest.budget);
      status = response.statusCode;
      return { url, status, headers: singleHeaders(response.headers), body: content };
    } finally {
      const seconds = (elapsedScale(this.clock) - begun) / 1000;
      this.#options.onExchange?.({ host: url.host, method, operation: rest.operation, status, seconds });
    }
  }

  #pause(outcome: HttpAnswer | HttpError, attempt: number): number {
    const asked =
      outcome instanceof HttpError ? undefined : retryAfterMs(outcome.headers['retry-after'], this.clock.now());
    return asked ?? pauseMs(attempt, this.#options.random ?? Math.random);
  }
}

/** Headers that say nothing of who asks. */
const commonHeaders = new Set(['accept', 'content-type', 'content-length', 'user-agent']);

/** What goes to another origin than the request was for: whatever else there is may be a credential. */
function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => commonHeaders.has(name.toLowerCase())));
}

function late(url: URL, ms: number): HttpError {
  const host = shownHost(url);
  return new HttpError({ host, status: 0, retryable: true }, `${host} did not answer in full within ${ms / 1000} s`);
}

function unreachable(url: URL, error: unknown): HttpError {
  const host = shownHost(url);
  const { code } = error as { code?: unknown };
  // Node quotes the certificate's names there: text of the other side.
  const why =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? 'its certificate is made out to other names'
      : messageOf(error).slice(0, longestCause);
  return new HttpError({ host, status: 0, retryable: true }, `${url.protocol}//${host} cannot be reached: ${why}`, {
    cause: error,
  });
}

function singleHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}
