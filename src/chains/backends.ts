import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../log.ts';
import type { Registries } from '../registry/client.ts';
import type { CredentialSource } from '../registry/run-credentials.ts';
import type { BackendName, StorageBackend } from './storage/backend.ts';

/** What backends are made from; their settings come with each request. */
export interface BackendSurroundings {
  client: KubeClient;
  registries: Registries;
  credentials: CredentialSource;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Logger;
}

type Load = (around: BackendSurroundings) => Promise<StorageBackend>;

/** Each loads its client library only when it is used: cloud SDKs cost seconds and tens of megabytes. */
const loaders: Partial<Record<BackendName, Load>> = {
  tekton: async ({ client }) => (await import('./storage/tekton/backend.ts')).createTektonBackend({ client }),
  oci: async ({ registries, credentials, clock }) => (await import('./storage/oci/backend.ts')).createOciBackend({ registries, credentials, clock }),
};

/** The backend of this name; the same one each time. @throws when this version does not have it. */
export function createBackends(around: BackendSurroundings, known: Partial<Record<BackendName, Load>> = loaders): (name: BackendName) => Promise<StorageBackend> {
  const made = new Map<BackendName, Promise<StorageBackend>>();
  return (name) => {
    const existing = made.get(name);
    if (existing) return existing;
    const load = known[name];
    if (!load) return Promise.reject(new Error(`this version has no storage backend ${name}; choose among ${Object.keys(known).join(', ')} in chains-config`));
    const backend = load(around);
    made.set(name, backend);
    // A library that could not be loaded now may be loaded later.
    backend.catch(() => made.delete(name));
    return backend;
  };
}
