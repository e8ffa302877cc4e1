import { LRUCache } from 'lru-cache';
import { Authorization } from './authorization.ts';
import { digestOf } from './digest.ts';
import { candidateUrls, type RegistryMirrors } from './hosts.ts';
import type { RegistryCredentials } from './keychain.ts';
import { Registry } from './registry.ts';
import { Repository, type RepositoryOptions } from './repository.ts';
import { TokenStore } from './tokens.ts';
import { RegistryTransport, type RegistryTransportOptions } from './transport.ts';

export { registryUrl, type RegistryMirrors } from './hosts.ts';
export { RegistryError } from './registry-error.ts';

export interface RegistriesOptions extends RegistryTransportOptions {
  mirrors?: RegistryMirrors;
}

/** Registries remembered; the one used longest ago is forgotten. */
const mostRemembered = 256;
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
