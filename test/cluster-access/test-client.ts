import { setTimeout as sleep } from 'node:timers/promises';
import { resolutionRequests } from '../../src/api/resolution/resolution-request.ts';
import { customRuns, pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { found, isAlreadyExists, KubeClient, unlessNotFound } from '../../src/kube/client.ts';
import type { PatchSpec, WriteOptions } from '../../src/kube/client-options.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { namespaces, pods } from '../../src/kube/resources.ts';

interface Made {
  client: TestClient;
  resource: Resource;
  object: KubeObject;
}

/** What goes with its owner. */
const ownedKinds: readonly Resource[] = [pipelineRuns, taskRuns, customRuns, resolutionRequests, pods];

/** So many objects are removed at the same time. */
const AT_ONCE = 8;

const ROUND_MS = 50;
/** So often what goes may do so by itself. */
const ROUNDS_OF_GRACE = 20;

/** What the row at hand has made, in order; undefined where nobody asks (benchmarks). */
let made: Made[] | undefined;
let isSecondTry = false;

/**
 * The client of a test that shares its server with others. It remembers what a row makes, so that the row finds
 * nothing of its first try at its second (test/cluster-access/second-try.ts).
 */
export class TestClient extends KubeClient {
  override async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    try {
      const created = await super.create(resource, object, options);
      made?.push({ client: this, resource, object: created });
      return created;
    } catch (error) {
      // A namespace stays: nobody is there who would empty it.
      if (!isSecondTry || resource.plural !== namespaces.plural || !isAlreadyExists(error)) throw error;
      return this.get(resource, undefined, object.metadata.name ?? '');
    }
  }

  override async patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    patch: PatchSpec & WriteOptions,
  ): Promise<T> {
    const isNew = made !== undefined && patch.type === 'apply' && !(await found(this.get(resource, namespace, name)));
    const patched = await super.patch(resource, namespace, name, patch);
    if (isNew) made?.push({ client: this, resource, object: patched });
    return patched;
  }
}

/** Whether the row at hand failed at its first try. */
export function isTriedAgain({ result }: { result?: { retryCount?: number } }): boolean {
  return (result?.retryCount ?? 0) > 0;
}

/** What is made from now on is nobody's. */
export function forget(): void {
  isSecondTry = false;
  made = undefined;
}

/** A row begins: what was made before it is not its own. */
export function beginFirstTry(): void {
  isSecondTry = false;
  made = [];
}

/** A row begins again: what it made at its first try goes, with what belongs to that, the newest first. */
export async function beginSecondTry(): Promise<void> {
  isSecondTry = true;
  let old = made?.filter(({ resource }) => resource.plural !== namespaces.plural).toReversed() ?? [];
  made = [];
  while (old.length > 0) {
    const left = [...old];
    const removeSome = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await remove(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, removeSome));
    old = await ownedBy(old);
  }
}

async function remove({ client, resource, object }: Made): Promise<void> {
  const { namespace, name = '', uid } = object.metadata;
  for (let round = 0; ; round += 1) {
    const current = await found(client.get(resource, namespace, name));
    if (current?.metadata.uid !== uid) return;
    if (round > 0) await sleep(ROUND_MS);
    await client.delete(resource, namespace, name).catch(unlessNotFound);
    if (round < ROUNDS_OF_GRACE) continue;
    // Nobody is there who would do what it waits for.
    const body = { metadata: { finalizers: null } };
    await client.patch(resource, namespace, name, { type: 'merge', body }).catch(unlessNotFound);
    await client.delete(resource, namespace, name, { gracePeriodSeconds: 0 }).catch(unlessNotFound);
  }
}

/** A control plane without controllers collects no garbage. */
async function ownedBy(owners: readonly Made[]): Promise<Made[]> {
  const uids = new Set(owners.map(({ object }) => object.metadata.uid));
  const places = new Map(owners.map(({ client, object }) => [object.metadata.namespace, client]));
  const children: Made[] = [];
  for (const [namespace, client] of places) {
    if (namespace === undefined) continue;
    for (const resource of ownedKinds) {
      const listing = await found(client.list(resource, { namespace }));
      for (const object of listing?.items ?? [])
        if (object.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)))
          children.push({ client, resource, object });
    }
  }
  return children;
}
