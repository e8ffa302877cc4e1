import { kindOfAddress } from './addresses.ts';
import { HttpError, shownHost } from './http-error.ts';
import type { Resolve } from './resolver.ts';

/** A server that was asked: what it names (redirects, token servers, upload locations) is judged by where it is. */
export interface Peer {
  hostname: string;
  /** The internal address it was reached at; undefined for public ones, which open no door to internal ones. */
  address: string | undefined;
  /** The setting with which an operator lets it name internal addresses; default the registries'. */
  wayOut?: string | undefined;
}

/** How a connection is made: to any public address of the name, or to this one address. */
export type Route = { kind: 'public' } | { kind: 'pinned'; address: string };

export interface DestinationOptions {
  resolve: Resolve;
  /** Hosts that servers may name wherever they are: the operator's own. */
  trustedHosts?: readonly string[];
  /** Public addresses that count as internal: the API server's, say. */
  internalAddresses?: readonly string[];
  /** All URLs are the operator's: no address is refused. */
  anyDestination?: boolean;
  /** Names that cannot be resolved here may be known to a proxy. */
  proxied?: boolean;
}

export interface Asked {
  url: URL;
  /** Who named the URL; undefined: the operator or the user did. */
  namedBy?: Peer | undefined;
  /** From 1; of several internal addresses each try takes the next. */
  attempt: number;
}

/**
 * Decides where a request may go, after name resolution. What a remote server names must be public, or at the very
 * address of that server, or a trusted host; metadata servers of clouds are never asked. The route is what the
 * connection is bound to, so that another answer of the name server changes nothing.
 * @throws HttpError when it may not go there, or the name does not resolve.
 */
export class Destinations {
  readonly #options: DestinationOptions;
  readonly #trusted: ReadonlySet<string>;
  readonly #internal: ReadonlySet<string>;

  constructor(options: DestinationOptions) {
    this.#options = options;
    this.#trusted = new Set(options.trustedHosts ?? []);
    this.#internal = new Set(options.internalAddresses ?? []);
  }

  async route(asked: Asked, signal: AbortSignal): Promise<{ route: Route; peer: Peer }> {
    const { url, namedBy } = asked;
    const { hostname } = url;
    const addresses = await this.#addresses(url, signal);
    if (!this.#options.anyDestination && addresses.some((address) => kindOfAddress(address) === 'metadata'))
      throw refused(asked, 'a metadata server');
    if (addresses.length === 0 || this.publicOf(addresses).length > 0)
      return { route: { kind: 'public' }, peer: { hostname, address: undefined, wayOut: namedBy?.wayOut } };
    const address = this.#internalFor(asked, addresses);
    if (address === undefined) throw refused(asked, 'an internal address');
    return { route: { kind: 'pinned', address }, peer: { hostname, address, wayOut: namedBy?.wayOut } };
  }

  /** The internal address that this try is bound to; undefined when the request may go to none of them. */
  #internalFor({ url, namedBy, attempt }: Asked, addresses: readonly string[]): string | undefined {
    const isFree = namedBy === undefined || this.#options.anyDestination || this.#trusted.has(url.hostname);
    const allowed = isFree ? addresses : addresses.filter((address) => address === namedBy.address);
    return allowed[(attempt - 1) % allowed.length];
  }

  /** The public ones among a name's addresses. */
  publicOf(addresses: readonly string[]): string[] {
    return addresses.filter((address) => kindOfAddress(address) === 'public' && !this.#internal.has(address));
  }

  async #addresses(url: URL, signal: AbortSignal): Promise<string[]> {
    try {
      return await this.#options.resolve(url.hostname, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (this.#options.proxied) return [];
      throw cause;
    }
  }
}

/** Where Kubernetes tells pods that the API server is: some clouds give Services public addresses. */
export function apiServerAddresses(env: Readonly<Record<string, string | undefined>>): string[] {
  return env['KUBERNETES_SERVICE_HOST'] ? [env['KUBERNETES_SERVICE_HOST']] : [];
}

function refused({ url, namedBy }: Asked, what: string): HttpError {
  const host = shownHost(url);
  if (namedBy === undefined)
    return new HttpError({ host, status: 0, retryable: false }, `${host} is ${what}: it is not asked`);
  const named = shownHost({ host: namedBy.hostname });
  return new HttpError(
    { host, status: 0, retryable: false },
    `${named} leads to ${host}, which is ${what}: it is not asked; the operator can allow it (${namedBy.wayOut ?? 'registryTrustedHosts'})`,
  );
}
