import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { ApiError, isNotFound, type KubeClient } from '../../kube/client.ts';
import { secrets, type Secret } from '../../kube/resources.ts';
import type { ServerCertificate } from '../../http/server.ts';
import type { Logger } from '../../log.ts';
import { nextCertificates, type CertificateData } from './plan.ts';

/** Certificates in use: what to serve with, and whom callers are to trust. */
export interface Certificates {
  server: ServerCertificate;
  /** PEM; undefined where another tells the API server. */
  bundle: string | undefined;
}

export interface KeeperOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  namespace: string;
  secretName: string;
  /** DNS names of the Service. */
  names: readonly string[];
  /** Makes what is missing; else the Secret is cert-manager's (tls.crt, tls.key). */
  own: boolean;
  clock: Pick<Clock, 'now'>;
  log: Logger;
}

const KEYS = ['server-cert.pem', 'server-key.pem', 'ca-cert.pem', 'ca-key.pem'] as const;
const ATTEMPTS = 5;

/**
 * Keeps the Secret with the certificates as it should be. Replicas do the same work at the same time: the first write
 * wins, and the others read it.
 */
export class CertificateKeeper {
  readonly #options: KeeperOptions;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /**
   * Reads the Secret, and writes it when something in it is missing or old.
   * @throws ApiError; Error where cert-manager has not made a certificate yet
   */
  async current(signal: AbortSignal): Promise<Certificates> {
    if (!this.#options.own) return this.#external(signal);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#own(signal);
      } catch (error) {
        const lost = error instanceof ApiError && (error.isConflict || error.isAlreadyExists || error.isNotFound);
        if (!lost || attempt === ATTEMPTS) throw error;
        this.#options.log.debug({ error: messageOf(error) }, 'another replica wrote the certificates');
      }
    }
  }

  async #external(signal: AbortSignal): Promise<Certificates> {
    const { namespace, secretName } = this.#options;
    const data = decoded(await this.#read(signal));
    const { 'tls.crt': cert, 'tls.key': key } = data;
    if (!cert || !key) throw new Error(`Secret ${namespace}/${secretName} has no tls.crt and tls.key yet`);
    return { server: { cert, key }, bundle: undefined };
  }

  async #own(signal: AbortSignal): Promise<Certificates> {
    const { client, namespace, secretName, names, clock } = this.#options;
    const secret = await this.#read(signal);
    const found = decoded(secret);
    const data = await nextCertificates(found, names, clock.now());
    if (KEYS.some((key) => found[key] !== data[key])) {
      const encoded = Object.fromEntries(KEYS.map((key) => [key, Buffer.from(data[key]).toString('base64')]));
      if (secret) await client.replace(secrets, { ...secret, data: { ...secret.data, ...encoded } }, { signal });
      else await client.create(secrets, { metadata: { name: secretName, namespace }, data: encoded }, { signal });
      this.#options.log.info({ secret: `${namespace}/${secretName}` }, 'certificates renewed');
    }
    return {
      server: { cert: data['server-cert.pem'], key: data['server-key.pem'] },
      bundle: data['ca-cert.pem'],
    };
  }

  async #read(signal: AbortSignal): Promise<Secret | undefined> {
    const { client, namespace, secretName } = this.#options;
    try {
      return await client.get(secrets, namespace, secretName, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function decoded(secret: Secret | undefined): Partial<CertificateData> & Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}
