import { LRUCache } from 'lru-cache';
import type { SpireConfig } from '../api/config/config-spire.ts';
import type { TrustBundle } from '../core/spire/svid.ts';
import type { PodIdentity } from '../core/taskrun/facts.ts';
import { entriesFor, isOfPod, runId } from './entries.ts';
import { SpireServer } from './server.ts';
import { fetchIdentity } from './workload-api.ts';

/** More pods than a controller has running at the same time; one that is forgotten is registered again. */
const mostKnown = 20_000;

/** The identities of TaskRuns, kept by SPIRE. The controller asks as who its own SPIFFE agent says that it is. */
export class SpireIdentities {
  /** Pods that SPIRE knows for certain, with the configuration under which they were told. */
  readonly #known = new LRUCache<string, string>({ max: mostKnown });

  async register(spire: SpireConfig, identity: PodIdentity, signal: AbortSignal): Promise<void> {
    const configuration = JSON.stringify(spire);
    if (this.#known.get(identity.podUid) === configuration) return;
    await withServer(spire, signal, (server) => server.create(entriesFor(spire, identity)));
    this.#known.set(identity.podUid, configuration);
  }

  async remove(
    spire: SpireConfig,
    identity: Pick<PodIdentity, 'namespace' | 'taskRun' | 'podUid'>,
    signal: AbortSignal,
  ): Promise<void> {
    await withServer(spire, signal, async (server) => {
      const entries = await server.list(runId(spire, identity));
      await server.delete(entries.filter((entry) => isOfPod(entry, identity)).map(({ id }) => id));
    });
    this.#known.delete(identity.podUid);
  }

  async trustBundle({ socketPath, trustDomain }: SpireConfig, signal: AbortSignal): Promise<TrustBundle> {
    const { authorities } = await fetchIdentity(socketPath, signal);
    return { authorities, trustDomain };
  }
}

async function withServer(
  { socketPath, serverAddress, trustDomain }: SpireConfig,
  signal: AbortSignal,
  act: (server: SpireServer) => Promise<void>,
): Promise<void> {
  const identity = await fetchIdentity(socketPath, signal);
  const server = await SpireServer.open({ address: serverAddress, trustDomain }, identity, signal);
  try {
    await act(server);
  } finally {
    server.close();
  }
}
