import type { Peer } from '../http/destination.ts';
import type { Authorization } from './authorization.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import type { RegistryAnswer, RegistryRequest, RegistryTransport } from './transport.ts';

/** Bytes of the answer to a ping: nobody reads it. */
const pingLimit = 64 * 1024;

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
    throw failureOf(failures);
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

/** A private registry's certificate is as likely a cause as that nothing listens: both are told. */
function failureOf(failures: readonly RegistryError[]): RegistryError {
  const [first] = failures;
  return new RegistryError(first?.status ?? 0, failures.map(({ message }) => message).join('; '), {
    retryable: failures.some(({ isFinal }) => !isFinal),
    cause: first?.cause,
  });
}
