import { systemClock, type Clock } from '../clock.ts';
import { HttpClient, type HttpAnswer } from './client.ts';
import { HttpError } from './http-error.ts';
import { isPassing } from './retry.ts';
import { withoutSent, type Sent } from './without-sent.ts';

/** A refusal of a service, or that it could not be reached (status 0). The message names URL and way out. */
export class ServiceError extends HttpError {
  override name = 'ServiceError';
  readonly headers: Headers | undefined;
  /** For programs alone: private, so that no log or message has it by accident. */
  readonly #body: string;

  constructor(
    status: number,
    message: string,
    options: ErrorOptions & { headers?: Headers; host?: string; body?: Buffer } = {},
  ) {
    // Rights may be given a moment later.
    const retryable = isPassing(status) || status >= 500 || status === 401 || status === 403;
    super({ host: options.host ?? '', status, retryable }, message, options);
    this.headers = options.headers;
    this.#body = options.body?.subarray(0, mostRead).toString('utf8') ?? '';
  }

  /** Whether the answer, its first 4 KiB, has these words: some services tell their errors apart only so. */
  mentions(words: RegExp): boolean {
    return words.test(this.#body);
  }
}

const mostRead = 4096;

/** A call of a service that the operator named: it may be at any address. */
export interface ServiceRequest {
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
  /** Where certificates of its own are trusted. */
  client?: HttpClient;
}

export interface ServiceAnswer {
  status: number;
  headers: Headers;
  body: Buffer;
}

const largestAnswer = 16 * 1024 * 1024;
const defaultAttempts = 3;
const defaultTimeoutMs = 10_000;
/** For the pauses between attempts. */
const pausesMs = 10_000;

/** A client of services that trusts this CA (PEM) too, or any certificate at all. */
export function trustingClient(trust: { ca?: string; insecure?: boolean }): HttpClient {
  const { ca, insecure = false } = trust;
  return new HttpClient({ anyDestination: true, insecure, ...(ca === undefined ? {} : { ca: [ca] }) });
}

const clients = new WeakMap<Clock, HttpClient>();

/** One client for each clock: all services share their connections. */
function clientOf(clock: Clock): HttpClient {
  const client = clients.get(clock) ?? new HttpClient({ anyDestination: true, clock });
  clients.set(clock, client);
  return client;
}

/** Joins a base address and a path, whatever slashes there are. */
export function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
}

/**
 * One call with the retries of HttpClient.
 * @throws ServiceError for every answer that is not 2xx; the signal's reason when aborted.
 */
export async function request(
  wanted: ServiceRequest,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<ServiceAnswer> {
  const { url, service, wayOut } = wanted;
  const answer = await send(wanted, wanted.client ?? clientOf(clock), signal).catch((error: unknown) => {
    if (!(error instanceof HttpError)) throw error;
    throw new ServiceError(error.status, `${service} ${url}: ${error.message}; ${wayOut}`, {
      cause: error,
      host: error.host,
    });
  });
  const headers = headersOf(answer);
  if (answer.status >= 200 && answer.status < 300) return { status: answer.status, headers, body: answer.body };
  const words = isOrigin(answer.url, url) ? withoutSent(said(answer.body), sentBy(wanted)) : '';
  throw new ServiceError(answer.status, `${service} ${url}: ${answer.status}${words}; ${wayOut}`, {
    headers,
    host: answer.url.host,
    body: answer.body,
  });
}

function send(wanted: ServiceRequest, client: HttpClient, signal: AbortSignal): Promise<HttpAnswer> {
  const { body, attempts = defaultAttempts, timeoutMs: attemptMs = defaultTimeoutMs } = wanted;
  const bytes = body instanceof Uint8Array;
  return client.send(
    {
      method: wanted.method ?? (body === undefined ? 'GET' : 'POST'),
      url: new URL(wanted.url),
      operation: wanted.service,
      headers: {
        accept: 'application/json',
        ...(body === undefined || bytes ? {} : { 'content-type': 'application/json' }),
        ...wanted.headers,
      },
      ...(body === undefined ? {} : { body: bytes ? Buffer.from(body) : JSON.stringify(body) }),
      limit: largestAnswer,
      attempts,
      attemptMs,
      deadlineMs: attempts * attemptMs + pausesMs,
    },
    signal,
  );
}

function headersOf({ headers }: HttpAnswer): Headers {
  return new Headers(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Answer as JSON. @throws ServiceError when it is none. */
export function jsonOf(wanted: ServiceRequest, answer: ServiceAnswer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch (error) {
    throw new ServiceError(answer.status, `${wanted.service} ${wanted.url}: the answer is not JSON; ${wanted.wayOut}`, {
      cause: error,
    });
  }
}

/** What an error may not repeat. */
function sentBy({ url, headers = {}, body }: ServiceRequest): Sent {
  const { username, password, searchParams } = new URL(url);
  const text = body instanceof Uint8Array ? '' : (JSON.stringify(body) ?? '');
  const told = Object.entries(headers).filter(([name]) => name !== 'accept' && name !== 'content-type');
  const credentials = [...told.map(([, value]) => value), username, password, ...searchParams.values()];
  return { credentials, body: text };
}

/** Whether an answer is of the server that was asked: after a redirect another one speaks. */
function isOrigin(answered: URL, asked: string): boolean {
  return answered.origin === new URL(asked).origin;
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
