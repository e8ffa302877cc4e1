import { Authorization } from './authorization.ts';
import { digestOf } from './digest.ts';
import { candidateUrls, type RegistryMirrors } from './hosts.ts';
import type { RegistryCredentials } from './keychain.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import { Repository, type RepositoryAccess } from './repository.ts';
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
}

/** Registries remembered, each with its tokens; the one used longest ago is forgotten. */
const mostRemembered = 256;

/** All registries that a process talks to: their connections, where they listen and their tokens are kept. */
export class Registries {
  readonly #transport: RegistryTransport;
  readonly #mirrors: RegistryMirrors;
  readonly #known = new Map<string, Registry>();

  constructor(options: RegistriesOptions = {}) {
    this.#transport = new RegistryTransport(options);
    this.#mirrors = options.mirrors ?? {};
  }

  /** A repository (`host` as users write it: docker.io). */
  repository(host: string, name: string, options: RepositoryOptions): Repository {
    return new Repository(this.registry(host, options), name, options.access);
  }

  registry(host: string, options: Omit<RepositoryOptions, 'access'> = {}): Registry {
    const insecure = options.insecure ?? false;
    const key = `${host} ${insecure} ${digestOf(Buffer.from(JSON.stringify(options.credentials ?? null)))}`;
    const registry =
      this.#known.get(key) ??
      new Registry(
        this.#transport,
        host,
        candidateUrls(host, { mirrors: this.#mirrors, insecure }),
        options.credentials,
        insecure,
      );
    this.#known.delete(key);
    this.#known.set(key, registry);
    if (this.#known.size > mostRemembered) this.#known.delete(this.#known.keys().next().value as string);
    return registry;
  }

  /** Waits for running exchanges and closes connections. */
  close(): Promise<void> {
    return this.#transport.close();
  }
}

/** What a registry is asked: a path under /v2/, or a URL that it gave itself (upload locations). */
export type RegistryCall = Omit<RegistryRequest, 'url' | 'authorization' | 'insecure'> & {
  path: string | URL;
  scope: string;
};

/** One registry with one set of credentials. */
export class Registry {
  readonly host: string;
  readonly #transport: RegistryTransport;
  readonly #candidates: readonly string[];
  readonly #authorization: Authorization;
  readonly #insecure: boolean;
  #base: string | undefined;

  constructor(
    transport: RegistryTransport,
    host: string,
    candidates: readonly [string, ...string[]],
    credentials: RegistryCredentials | undefined,
    insecure: boolean,
  ) {
    this.host = host;
    this.#transport = transport;
    this.#candidates = candidates;
    this.#insecure = insecure;
    this.#authorization = new Authorization(transport, credentials, insecure);
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
    throw new RegistryError(failures[0]?.status ?? 0, failures.map(({ message }) => message).join('; '));
  }

  /**
   * Sends a request with what authorization the registry wants.
   * @returns the answer, of any status but 401 that credentials could have cured.
   */
  async call({ path, scope, ...rest }: RegistryCall, signal: AbortSignal): Promise<RegistryAnswer> {
    const base = this.#base ?? (await this.ping(signal));
    const url = this.#resolve(path, base);
    for (let round = 1; ; round += 1) {
      const isOwn = url.host === new URL(base).host;
      const authorization = isOwn ? await this.#authorization.header(scope, signal) : undefined;
      const answer = await this.#transport.send({ ...rest, url, authorization, insecure: this.#insecure }, signal);
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
  #resolve(path: string | URL, base: string): URL {
    if (typeof path === 'string') return new URL(`${base}/v2/${path}`);
    const own = new URL(base);
    if (path.host === own.host && own.protocol === 'https:' && path.protocol === 'http:') {
      const mended = new URL(path);
      mended.protocol = 'https:';
      return mended;
    }
    return path;
  }
}
