import { setTimeout as sleep } from 'node:timers/promises';
import { resolutionRequests } from '../../src/api/resolution/resolution-request.ts';
import { customRuns, pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { found, isAlreadyExists, KubeClient, unlessNotFound } from '../../src/kube/client.ts';
import type { WriteOptions } from '../../src/kube/client-options.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { namespaces, pods } from '../../src/kube/resources.ts';

interface Made {
  client: TestClient;
  resource: Resource;
  object: KubeObject;
}

/** What goes with its owner. A control plane without controllers collects no garbage. */
const owned: readonly Resource[] = [pipelineRuns, taskRuns, customRuns, resolutionRequests, pods];

/** What the row at hand has made, in order; undefined where nobody asks (benchmarks). */
let made: Made[] | undefined;
let isSecondTry = false;

/**
 * The client of a test that shares its server with others. It remembers what a row makes, so that the row finds
 * nothing of its first try at its second (test/integration/second-try.ts).
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
}

/** A row begins: what was made before it is not its own. */
export function beginFirstTry(): void {
  isSecondTry = false;
  made = [];
}

/** A row begins again: what it made at its first try goes, with what belongs to that, the newest first. */
export async function beginSecondTry(): Promise<void> {
  isSecondTry = true;
  const old = made?.toReversed() ?? [];
  made = [];
  for (const { client, resource, object } of old)
    if (resource.plural !== namespaces.plural) await remove(client, resource, object);
}

async function remove(client: TestClient, resource: Resource, { metadata }: KubeObject): Promise<void> {
  const { namespace, name = '', uid } = metadata;
  for (;;) {
    const current = await client.get(resource, namespace, name).catch(unlessNotFound);
    if (current?.metadata.uid !== uid) break;
    await client
      .patch(resource, namespace, name, { type: 'merge', body: { metadata: { finalizers: null } } })
      .catch(unlessNotFound);
    await client.delete(resource, namespace, name, { gracePeriodSeconds: 0 }).catch(unlessNotFound);
    await sleep(50);
  }
  if (namespace === undefined) return;
  for (const kind of owned) {
    const listing = await found(client.list(kind, { namespace }));
    for (const item of listing?.items ?? []) {
      const owners = item.metadata.ownerReferences ?? [];
      if (owners.some((owner) => owner.uid === uid)) await remove(client, kind, item);
    }
  }
}
