import { LRUCache } from 'lru-cache';
import type { ByteBudget } from '../http/byte-budget.ts';
import type { Peer } from '../http/destination.ts';
import { Authorization } from './authorization.ts';
import { digestOf } from './digest.ts';
import { candidateUrls, type RegistryMirrors } from './hosts.ts';
import type { RegistryCredentials } from './keychain.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import { Repository, type RepositoryAccess } from './repository.ts';
import { TokenStore } from './tokens.ts';
import {
  RegistryTransport,
  type RegistryAnswer,
  type RegistryRequest,
  type RegistryTransportOptions,
} from './transport.ts';

export { registryUrl, type RegistryMirrors } from './hosts.ts';
export { RegistryError } from './registry-error.ts';

export interface RegistriesOptions extends RegistryTransportOptions {
  mirrors?: RegistryMirrors;
}

export interface RepositoryOptions {
  credentials?: RegistryCredentials | undefined;
  /** Plain HTTP is allowed and TLS certificates are not checked. */
  insecure?: boolean;
  /** What tokens are asked for. */
  access: RepositoryAccess;
  /** What all manifests and blobs read through it may come to. */
  budget?: ByteBudget;
  /** For each manifest or blob that is read, with its retries. */
  deadlineMs?: number;
}

/** Registries remembered; the one used longest ago is forgotten. */
const mostRemembered = 256;
/** Bytes of the answer to a ping: nobody reads it. */
const pingLimit = 64 * 1024;

/** All registries that a process talks to: their connections, where they listen and their tokens are kept. */
export class Registries {
  readonly #transport: RegistryTransport;
  readonly #mirrors: RegistryMirrors;
  readonly #known = new LRUCache<string, Registry>({ max: mostRemembered });
  readonly #tokens = new TokenStore();

  constructor(options: RegistriesOptions = {}) {
    this.#transport = new RegistryTransport(options);
    this.#mirrors = options.mirrors ?? {};
  }

  /** A repository (`host` as users write it: docker.io). */
  repository(host: string, name: string, options: RepositoryOptions): Repository {
    return new Repository(this.registry(host, options), name, options);
  }

  registry(host: string, options: Pick<RepositoryOptions, 'credentials' | 'insecure'> = {}): Registry {
    const insecure = options.insecure ?? false;
    const key = `${host} ${insecure} ${digestOf(Buffer.from(JSON.stringify(options.credentials ?? null)))}`;
    const registry = this.#known.get(key) ?? this.#make(host, key, options.credentials, insecure);
    this.#known.set(key, registry);
    return registry;
  }

  #make(host: string, key: string, credentials: RegistryCredentials | undefined, insecure: boolean): Registry {
    const [transport, tokens] = [this.#transport, this.#tokens];
    return new Registry({
      host,
      transport,
      candidates: candidateUrls(host, { mirrors: this.#mirrors, insecure }),
      authorization: new Authorization({ transport, tokens, key, credentials, insecure }),
      insecure,
    });
  }

  /** Waits for running exchanges and closes connections. */
  close(): Promise<void> {
    return this.#transport.close();
  }
}

/** A URL that a registry named: an upload location, the next page. */
export interface NamedUrl {
  url: URL;
  namedBy: Peer;
}

/** What a registry is asked: a path under /v2/, or a URL that it named itself. */
export type RegistryCall = Omit<RegistryRequest, 'url' | 'authorization' | 'insecure' | 'namedBy'> & {
  path: string | NamedUrl;
  scope: string;
};

export interface RegistryParts {
  host: string;
  transport: RegistryTransport;
  /** Where it may listen, best first. */
  candidates: readonly [string, ...string[]];
  authorization: Authorization;
  insecure: boolean;
}

/** One registry with one set of credentials. */
export class Registry {
  readonly host: string;
  readonly #transport: RegistryTransport;
  readonly #candidates: readonly string[];
  readonly #authorization: Authorization;
  readonly #insecure: boolean;
  #base: string | undefined;

  constructor({ host, transport, candidates, authorization, insecure }: RegistryParts) {
    this.host = host;
    this.#transport = transport;
    this.#candidates = candidates;
    this.#insecure = insecure;
    this.#authorization = authorization;
    if (candidates.length === 1) this.#base = candidates[0];
  }

  /**
   * Asks `/v2/`: finds where the registry listens, and whether it is one.
   * @returns the base URL
   * @throws RegistryError when nothing there answers as a registry does.
   */
  async ping(signal: AbortSignal): Promise<string> {
    const failures: RegistryError[] = [];
    for (const base of this.#base === undefined ? this.#candidates : [this.#base]) {
      const isLast = base === this.#candidates.at(-1);
      const answer = await this.#transport
        .send(
          {
            method: 'GET',
            url: new URL(`${base}/v2/`),
            operation: 'ping',
            insecure: this.#insecure,
            attempts: isLast ? undefined : 1,
            limit: pingLimit,
          },
          signal,
        )
        .catch((error: unknown) => {
          if (error instanceof RegistryError) return error;
          throw error;
        });
      // A TLS server answers 400 to plain HTTP; what a proxy says in the registry's stead (5xx) is no answer either.
      if (!(answer instanceof RegistryError) && answer.status < 500 && answer.status !== 400) {
        this.#base = base;
        return base;
      }
      failures.push(answer instanceof RegistryError ? answer : refusalOf(answer));
    }
    // A private registry's certificate is as likely a cause as that nothing listens: both are told.
    throw new RegistryError(failures[0]?.status ?? 0, failures.map(({ message }) => message).join('; '), {
      retryable: failures.some(({ isFinal }) => !isFinal),
    });
  }

  /**
   * Sends a request with what authorization the registry wants.
   * @returns the answer, of any status but 401 that credentials could have cured.
   */
  async call({ path, scope, ...rest }: RegistryCall, signal: AbortSignal): Promise<RegistryAnswer> {
    const base = this.#base ?? (await this.ping(signal));
    const { url, namedBy } = this.#resolve(path, base);
    for (let round = 1; ; round += 1) {
      const isOwn = url.host === new URL(base).host;
      const authorization = isOwn ? await this.#authorization.header(scope, signal) : undefined;
      const answer = await this.#transport.send(
        { ...rest, url, namedBy, authorization, insecure: this.#insecure },
        signal,
      );
      const wasHere = isOwn && answer.url.host === url.host; // another host's 401 is not for our credentials
      if (
        answer.status !== 401 ||
        round > 2 ||
        !wasHere ||
        !this.#authorization.challenged(answer, scope, authorization)
      )
        return answer;
    }
  }

  /** Upload locations may be relative, and behind a TLS proxy they often say http. */
  #resolve(path: string | NamedUrl, base: string): { url: URL; namedBy?: Peer } {
    if (typeof path === 'string') return { url: new URL(`${base}/v2/${path}`) };
    const { url, namedBy } = path;
    const own = new URL(base);
    if (url.host !== own.host || own.protocol !== 'https:' || url.protocol !== 'http:') return { url, namedBy };
    const mended = new URL(url);
    mended.protocol = 'https:';
    return { url: mended, namedBy };
  }
}
