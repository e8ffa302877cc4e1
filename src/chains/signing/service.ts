import { Agent, EnvHttpProxyAgent, fetch, type Dispatcher, type Headers } from 'undici';
import { systemClock, elapsedScale, type Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { SigningError } from './signer.ts';

/** The kinds of remote calls whose latency an operator watches. */
export type ServiceCall = 'fulcio' | 'rekor' | 'tsa' | 'kms';

/** Called once per remote call, its retries included. */
export type Observe = (call: ServiceCall, seconds: number, outcome: 'success' | 'error') => void;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What everything here needs from outside; all with real defaults, replaced in tests. */
export interface Surroundings {
  observe?: Observe;
  clock?: Clock;
  env?: Environment;
}

/** Runs one remote call and reports how long it took. An abort by the caller is not an outcome of the service. */
export async function observed<T>(
  around: Surroundings,
  call: ServiceCall,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const clock = around.clock ?? systemClock;
  const begin = elapsedScale(clock);
  const report = (outcome: 'success' | 'error') =>
    around.observe?.(call, (elapsedScale(clock) - begin) / 1000, outcome);
  try {
    const result = await work();
    report('success');
    return result;
  } catch (error) {
    if (!signal.aborted) report('error');
    throw error;
  }
}

/** A refusal of a service, or that it could not be reached (status 0). The message names URL and way out. */
export class ServiceError extends SigningError {
  override name = 'ServiceError';
  readonly status: number;
  readonly headers: Headers | undefined;
  constructor(status: number, message: string, options: ErrorOptions & { headers?: Headers } = {}) {
    super(message, { ...options, retryable: isPassing(status) || status === 401 || status === 403 });
    this.status = status;
    this.headers = options.headers;
  }
}

export interface Request {
  /** As people call it: `Rekor`. */
  service: string;
  url: string;
  method?: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  /** JSON; bytes go as they are. */
  body?: unknown;
  /** Of one attempt. Default 10 s. */
  timeoutMs?: number;
  /** Default 3. */
  attempts?: number;
  /** Appended to errors that a person must cure: what to look at. */
  wayOut: string;
  dispatcher?: Dispatcher;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Buffer;
}

const defaultDispatcher = new EnvHttpProxyAgent({ keepAliveTimeout: 30_000, connect: { timeout: 5_000 } });
const largestAnswer = 16 * 1024 * 1024;

/** A dispatcher that trusts this CA (PEM), or nobody's certificates at all. */
export function trustingDispatcher(trust: { ca?: string; rejectUnauthorized?: boolean }): Dispatcher {
  return new Agent({ keepAliveTimeout: 30_000, connect: { timeout: 5_000, ...trust } });
}

/** Joins a base address and a path, whatever slashes there are. */
export function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
}

/**
 * One call with retries: connection failures, 408, 429 and 5xx are tried again with growing pauses (Retry-After counts
 * up to 5 s).
 * @throws ServiceError for every answer that is not 2xx; the signal's reason when aborted.
 */
export async function request(wanted: Request, signal: AbortSignal, clock: Clock = systemClock): Promise<Answer> {
  const attempts = wanted.attempts ?? 3;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(wanted, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ServiceError) || !isPassing(error.status) || attempt >= attempts) throw error;
      await clock.sleep(pause(attempt, error.headers?.get('retry-after')), signal);
    }
  }
}

/** Answer as JSON. @throws ServiceError when it is none. */
export function jsonOf(wanted: Request, answer: Answer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch (error) {
    throw new ServiceError(answer.status, `${wanted.service} ${wanted.url}: the answer is not JSON; ${wanted.wayOut}`, {
      cause: error,
    });
  }
}

async function once(wanted: Request, signal: AbortSignal): Promise<Answer> {
  const { url, service, wayOut } = wanted;
  const timeout = AbortSignal.timeout(wanted.timeoutMs ?? 10_000);
  const bytes = wanted.body instanceof Uint8Array;
  try {
    const response = await fetch(url, {
      method: wanted.method ?? (wanted.body === undefined ? 'GET' : 'POST'),
      headers: {
        accept: 'application/json',
        ...(wanted.body === undefined || bytes ? {} : { 'content-type': 'application/json' }),
        ...wanted.headers,
      },
      ...(wanted.body === undefined ? {} : { body: bytes ? (wanted.body as Uint8Array) : JSON.stringify(wanted.body) }),
      signal: AbortSignal.any([signal, timeout]),
      dispatcher: wanted.dispatcher ?? defaultDispatcher,
    });
    const body = await bounded(response.body);
    if (response.ok) return { status: response.status, headers: response.headers, body };
    const words = isOrigin(response.url, url) ? said(body) : '';
    throw new ServiceError(response.status, `${service} ${url}: ${response.status}${words}; ${wayOut}`, {
      headers: response.headers,
    });
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    const why =
      timeout.aborted && !signal.aborted
        ? `no answer within ${(wanted.timeoutMs ?? 10_000) / 1000} s`
        : messageOf(error);
    throw new ServiceError(0, `${service} ${url} cannot be reached: ${why}; ${wayOut}`, { cause: error });
  }
}

async function bounded(stream: AsyncIterable<Uint8Array> | null): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error(`the answer is larger than ${largestAnswer} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether an answer is of the server that was asked: after a redirect another one speaks. */
function isOrigin(answered: string, asked: string): boolean {
  return URL.canParse(answered) && new URL(answered).origin === new URL(asked).origin;
}

const mostWords = 300;

/**
 * The service's own words: what a JSON error calls its message, short and in one line. Bodies of another form are not
 * shown: nobody knows whose they are, and problems are read by everybody who sees the run.
 */
function said(body: Buffer): string {
  try {
    const parsed = JSON.parse(body.toString('utf8')) as { message?: unknown; error?: unknown; errors?: unknown };
    const error = parsed.error as { message?: unknown } | string | undefined;
    const found = parsed.message ?? (typeof error === 'object' ? error?.message : error) ?? parsed.errors;
    const words = [found].flat().filter((part) => typeof part === 'string');
    const text = words
      .join('; ')
      .replaceAll(/[^\x20-\x7e]+/g, ' ')
      .slice(0, mostWords);
    return text === '' ? '' : `: ${text}`;
  } catch {
    return '';
  }
}

function isPassing(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

function pause(attempt: number, retryAfter: string | null | undefined): number {
  const asked = Number(retryAfter ?? Number.NaN) * 1000;
  return Number.isFinite(asked) && asked >= 0 ? Math.min(asked, 5_000) : 200 * 2 ** (attempt - 1);
}
