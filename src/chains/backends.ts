import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../log.ts';
import type { Registries } from '../registry/client.ts';
import type { CredentialSource } from '../images/run-credentials.ts';
import type { NamedLock } from '../registry/tag-update.ts';
import type { BackendName } from './types.ts';
import type { StorageBackend } from './storage/backend.ts';

/** What backends are made from; their settings come with each request. */
export interface BackendSurroundings {
  client: KubeClient;
  registries: Registries;
  credentials: CredentialSource;
  /** Without those of Chains. */
  runCredentials: CredentialSource;
  /** Keeps writers of one tag apart; absent: those of this process. */
  tagLock?: NamedLock;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Logger;
}

type Load = (around: BackendSurroundings) => Promise<StorageBackend>;

/** Each loads its client library only when it is used: cloud SDKs cost seconds and tens of megabytes. */
const loaders: Readonly<Record<BackendName, Load>> = {
  tekton: async ({ client }) => (await import('./storage/tekton/backend.ts')).createTektonBackend({ client }),
  oci: async ({ registries, credentials, runCredentials, clock, tagLock }) =>
    (await import('./storage/oci/backend.ts')).createOciBackend({
      registries,
      credentials,
      runCredentials,
      clock,
      ...(tagLock ? { lock: tagLock } : {}),
    }),
  gcs: async ({ env, clock }) => (await import('./storage/gcs/backend.ts')).createGcsBackend({ env, clock }),
  docdb: async ({ env, clock }) => (await import('./storage/docdb/backend.ts')).createDocdbBackend({ env, clock }),
  grafeas: async ({ env, clock }) =>
    (await import('./storage/grafeas/backend.ts')).createGrafeasBackend({ env, clock }),
  archivista: async ({ clock }) => (await import('./storage/archivista/backend.ts')).createArchivistaBackend({ clock }),
  pubsub: async ({ log }) => (await import('./storage/pubsub/backend.ts')).createPubsubBackend('pubsub', { log }),
  kafka: async ({ log }) => (await import('./storage/pubsub/backend.ts')).createPubsubBackend('kafka', { log }),
};

/** Gives the backend of a name, the same one each time; loads it when it is asked for first. */
export function createBackends(
  around: BackendSurroundings,
  known: Readonly<Record<BackendName, Load>> = loaders,
): (name: BackendName) => Promise<StorageBackend> {
  const made = new Map<BackendName, Promise<StorageBackend>>();
  return (name) => {
    const existing = made.get(name);
    if (existing) return existing;
    const backend = known[name](around);
    made.set(name, backend);
    // A library that could not be loaded now may be loaded later.
    backend.catch(() => made.delete(name));
    return backend;
  };
}
