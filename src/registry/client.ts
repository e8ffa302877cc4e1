import { Agent, fetch, type Dispatcher, type Response } from 'undici';
import { messageOf } from '../errors.ts';
import type { RegistryCredentials } from './keychain.ts';

/** A registry's refusal, with what it said. */
export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
  /** Not worth trying again: the registry answered, and means it. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

/** Where the registry of a host is really asked: a mirror's URL by host, `*` for all hosts (air-gapped clusters). */
export type RegistryMirrors = Readonly<Record<string, string>>;

const hubUrl = 'https://registry-1.docker.io';
/** As go-containerregistry: plain HTTP on this machine, .local names and private addresses. */
const plainHttp = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|[^:]*\.local|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+)(:\d+)?$/;

/** Base URL of a host's registry API. */
export function registryUrl(host: string, mirrors: RegistryMirrors = {}): string {
  const mirror = mirrors[host] ?? mirrors['*'];
  if (mirror !== undefined) return mirror.replace(/\/+$/, '');
  if (host === 'docker.io') return hubUrl;
  return `${plainHttp.test(host) ? 'http' : 'https'}://${host}`;
}

/** Parses `Bearer realm="...",service="..."`. */
export function parseChallenge(header: string): { scheme: string; parameters: Record<string, string> } {
  const [scheme = '', ...rest] = header.split(' ');
  const parameters = Object.fromEntries([...rest.join(' ').matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? '', match[2] ?? '']));
  return { scheme: scheme.toLowerCase(), parameters };
}

const attempts = 3;
const dispatcher: Dispatcher = new Agent({ keepAliveTimeout: 10_000, connect: { timeout: 5_000 } });

/** Reads from one repository of a registry, with the token dance of distribution's auth specification. */
export class RepositoryReader {
  readonly #base: string;
  readonly #repository: string;
  readonly #credentials: RegistryCredentials | undefined;
  #authorization: string | undefined;

  constructor(base: string, repository: string, credentials: RegistryCredentials | undefined) {
    this.#base = base;
    this.#repository = repository;
    this.#credentials = credentials;
  }

  /**
   * GETs `/v2/<repository>/<path>`.
   * @throws RegistryError with the registry's own words, or saying that it could not be reached.
   */
  async get(path: string, accept: readonly string[], signal: AbortSignal): Promise<Response> {
    const url = `${this.#base}/v2/${this.#repository}/${path}`;
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#fetch(url, accept, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return new RegistryError(0, `registry ${this.#base} cannot be reached: ${messageOf(error)}`, { cause: error });
      });
      if (!(response instanceof RegistryError)) {
        if (response.ok) return response;
        if (response.status === 401 && (await this.#authorize(response, signal))) continue;
      }
      const failure = response instanceof RegistryError ? response : await refusal(url, response);
      if (failure.isFinal || attempt >= attempts) throw failure;
    }
  }

  #fetch(url: string, accept: readonly string[], signal: AbortSignal): Promise<Response> {
    const headers = { accept: accept.join(', '), ...(this.#authorization ? { authorization: this.#authorization } : {}) };
    return fetch(url, { headers, signal, dispatcher });
  }

  /** Answers a 401: true when the request is worth repeating with what was obtained. */
  async #authorize(response: Response, signal: AbortSignal): Promise<boolean> {
    await response.body?.cancel();
    const { scheme, parameters } = parseChallenge(response.headers.get('www-authenticate') ?? '');
    const before = this.#authorization;
    const basic = this.#credentials && `Basic ${Buffer.from(`${this.#credentials.username}:${this.#credentials.password}`).toString('base64')}`;
    if (scheme === 'basic') this.#authorization = basic;
    else if (scheme === 'bearer') this.#authorization = before === undefined ? await this.#token(parameters, basic, signal) : undefined;
    return this.#authorization !== undefined && this.#authorization !== before;
  }

  async #token(parameters: Record<string, string>, basic: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { realm, service, scope = `repository:${this.#repository}:pull` } = parameters;
    if (!realm) return undefined;
    const url = new URL(realm);
    if (service) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope);
    const response = await fetch(url, { headers: basic ? { authorization: basic } : {}, signal, dispatcher });
    if (!response.ok) throw await refusal(url.href, response);
    const body = (await response.json()) as { token?: string; access_token?: string };
    const token = body.token ?? body.access_token;
    return token === undefined ? undefined : `Bearer ${token}`;
  }
}

async function refusal(url: string, response: Response): Promise<RegistryError> {
  const text = await response.text();
  return new RegistryError(response.status, `${new URL(url).host} answered ${response.status}: ${errorText(text) || response.statusText || 'no reason given'}`);
}

function errorText(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: string; message?: string }[] };
    return (errors ?? []).map((error) => [error.code, error.message].filter(Boolean).join(': ')).join('; ');
  } catch {
    return body.slice(0, 200).trim(); // not every proxy in front of a registry speaks JSON
  }
}
