import type { LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { asError } from '../errors.ts';
import type { Destinations, Route } from './destination.ts';
import type { Resolve } from './resolver.ts';

export interface ConnectionOptions {
  /** PEM certificates trusted besides Node's (which include those of NODE_EXTRA_CA_CERTS). */
  ca?: readonly string[];
  /** Milliseconds without an answer, or without a byte of it, until a try counts as failed. Default 20 s. */
  timeoutMs?: number;
  /** Connections to one server at a time: further requests wait for one to be free. Default: as many as they ask. */
  connections?: number;
}

/** Bytes of an answer's header, all lines together. */
export const headerLimit = 16 * 1024;
const connectMs = 5_000;
/** Internal addresses whose connections are kept; the one used longest ago is closed. */
const mostPinned = 256;

/** Whether the environment names a proxy, in the variables that curl and Go read. */
export function isProxied(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some((name) => env[name]);
}

/**
 * Pools of connections, one for each way in which connections may be made: what is in a pool may be used by everyone
 * who is sent to it.
 */
export class Dispatchers {
  readonly #options: ConnectionOptions;
  readonly #resolve: Resolve;
  readonly #destinations: Destinations;
  /** Made once: reading all authorities' certificates for each connection takes longer than the connection. */
  readonly #trust: SecureContext | undefined;
  readonly #public = new Map<boolean, Dispatcher>();
  readonly #pinned = new LRUCache<string, Dispatcher>({
    max: mostPinned,
    dispose: (dispatcher) => void dispatcher.close().catch(() => undefined),
  });

  constructor(options: ConnectionOptions, resolve: Resolve, destinations: Destinations) {
    this.#options = options;
    const own = options.ca ?? [];
    this.#trust = own.length > 0 ? createSecureContext({ ca: [...getCACertificates('default'), ...own] }) : undefined;
    this.#resolve = resolve;
    this.#destinations = destinations;
  }

  /** @param insecure TLS certificates are not checked. */
  for(route: Route, insecure: boolean): Dispatcher {
    if (route.kind === 'public') {
      const dispatcher = this.#public.get(insecure) ?? this.#make(insecure, this.#publicLookup());
      this.#public.set(insecure, dispatcher);
      return dispatcher;
    }
    const key = `${route.address} ${insecure}`;
    const dispatcher = this.#pinned.get(key) ?? this.#make(insecure, answering([route.address]));
    this.#pinned.set(key, dispatcher);
    return dispatcher;
  }

  /** Closes idle connections and waits for running exchanges. */
  async close(): Promise<void> {
    await Promise.all([...this.#public.values(), ...this.#pinned.values()].map((dispatcher) => dispatcher.close()));
  }

  #make(insecure: boolean, lookup: LookupFunction): Dispatcher {
    const tls = {
      ...(this.#trust === undefined ? {} : { secureContext: this.#trust }),
      ...(insecure ? { rejectUnauthorized: false } : {}),
    };
    const { timeoutMs = 20_000, connections } = this.#options;
    const options = {
      keepAliveTimeout: 10_000,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxHeaderSize: headerLimit,
      ...(connections === undefined ? {} : { connections }),
      connect: { timeout: connectMs, lookup, ...tls },
    };
    return isProxied() ? new EnvHttpProxyAgent({ ...options, requestTls: tls }) : new Agent(options);
  }

  /** Leaves out what is not public at the moment of the connection: a name may have got other addresses. */
  #publicLookup(): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, AbortSignal.timeout(connectMs)).then(
        (addresses) => answering(this.#destinations.publicOf(addresses))(hostname, options, callback),
        (error: unknown) => callback(asError(error), ''),
      );
    };
  }
}

/** A look-up that answers with these addresses. */
function answering(addresses: readonly string[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = found;
    if (first === undefined) callback(new Error(`${hostname} has no public address any more`), '');
    else if (all) callback(null, found);
    else callback(null, first.address, first.family);
  };
}
