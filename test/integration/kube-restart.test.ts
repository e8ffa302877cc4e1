import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/log.ts';
import { wholeLeadership } from '../../src/kube/buckets.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { isAlreadyExists, isNotFound, unlessExists } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { compareResourceVersions, keyOf } from '../../src/kube/object.ts';
import { WorkQueue } from '../../src/kube/queue.ts';
import { feedQueue, runReplica } from '../../src/kube/replica.ts';
import { configMaps, namespaces } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/resources.ts';
import { ControlPlane } from './kube-control-plane.ts';

const NAMESPACE = 'kube-restart';
const SELECTOR = 'load=yes';
const WRITERS = 4;

let plane: ControlPlane;
beforeAll(async () => {
  plane = await ControlPlane.up(`kube-restart-${process.pid}`);
});
afterAll(async () => {
  await plane?.down();
});

interface Life {
  created: string;
  deleted?: string;
}

/** Writes without end: creates, updates, deletes. `lives` says what the server confirmed. */
async function write(
  client: KubeClient,
  writer: number,
  lives: Map<string, Life>,
  signal: AbortSignal,
): Promise<number> {
  let writes = 0;
  for (let serial = 0; !signal.aborted; serial++) {
    const name = `w${writer}-${serial}`;
    const draft: ConfigMap = { metadata: { name, namespace: NAMESPACE, labels: { load: 'yes' } }, data: { n: '0' } };
    let object = await insist(
      () => client.create(configMaps, draft),
      () => client.get(configMaps, NAMESPACE, name),
    );
    lives.set(keyOf(object), { created: object.metadata.resourceVersion ?? '' });
    for (let n = 1; n <= 2; n++) {
      object = await insist(() =>
        client.patch(configMaps, NAMESPACE, name, { type: 'merge', body: { data: { n: String(n) } } }),
      );
      writes++;
    }
    if (serial % 3 !== 0) {
      await insist(async () => {
        await client.delete(configMaps, NAMESPACE, name).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
        return object;
      });
      lives.set(keyOf(object), { created: lives.get(keyOf(object))?.created ?? '', deleted: 'yes' });
    }
    writes += 2;
  }
  return writes;
}

/** Until it works: a client of its own may give up earlier than the server comes back. */
async function insist<T>(call: () => Promise<T>, ifThere?: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (isAlreadyExists(error) && ifThere) return await insist(ifThere);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('an API server that dies under load', () => {
  test.each([['SIGKILL'], ['SIGTERM']] as const)(
    '%s: no event is lost, the store ends equal to the server',
    async (how) => {
      const [client, writerClient] = await Promise.all([plane.client(), plane.client()]);
      await client.create(namespaces, { metadata: { name: NAMESPACE } }).catch(unlessExists);
      const informer = new Informer<ConfigMap>({
        client,
        resource: configMaps,
        namespace: NAMESPACE,
        labelSelector: SELECTOR,
        log: silentLogger,
        freeze: true,
      });
      const seen = new Set<string>();
      let backwards = 0;
      informer.onChange(({ type, key, object, old }) => {
        if (type !== 'deleted') seen.add(key);
        if (
          type === 'updated' &&
          compareResourceVersions(object.metadata.resourceVersion, old?.metadata.resourceVersion) <= 0
        )
          backwards++;
      });
      const queue = new WorkQueue();
      const reconciled = new Map<string, string | undefined>();
      feedQueue(informer.store, queue, wholeLeadership());
      const stop = new AbortController();
      const replica = runReplica(
        {
          sources: [informer],
          log: silentLogger,
          controllers: [
            {
              name: 'mirror',
              queue,
              log: silentLogger,
              reconcile: (key) => {
                reconciled.set(key, informer.store.get(key)?.metadata.resourceVersion);
                return Promise.resolve({ kind: 'done' });
              },
            },
          ],
        },
        stop.signal,
      );
      await informer.synced(AbortSignal.timeout(10_000));

      const stopWriting = new AbortController();
      const lives = new Map<string, Life>();
      const writing = Array.from({ length: WRITERS }, (_, writer) =>
        write(writerClient, writer, lives, stopWriting.signal),
      );
      await sleep(2_000);
      for (let round = 0; round < 2; round++) {
        await plane.restartApiServer(how);
        await sleep(1_500);
      }
      stopWriting.abort();
      const writes = (await Promise.all(writing)).reduce((sum, n) => sum + n, 0);

      const final = await client.list(configMaps, { namespace: NAMESPACE, labelSelector: SELECTOR });
      const wanted = new Map(final.items.map((item) => [keyOf(item), item.metadata.resourceVersion]));
      const stored = () =>
        new Map([...informer.store.entries()].map(([key, object]) => [key, object.metadata.resourceVersion]));
      await until(() => same(stored(), wanted) && queue.depth === 0 && queue.inWork === 0, 20_000);
      expect(stored()).toEqual(wanted);
      // The reconciler has looked at every key after its last change.
      expect(new Map([...reconciled].filter(([, version]) => version !== undefined))).toEqual(wanted);
      expect(backwards).toBe(0);
      // Objects that lived and died within one outage cannot be seen by anybody; all others were.
      const missed = [...lives].filter(([key, life]) => !seen.has(key) && !life.deleted);
      expect(missed).toEqual([]);
      const neverSeen = [...lives.keys()].filter((key) => !seen.has(key));
      // How many lives fit into an outage depends on how soon writers and watch are back; without a new list, none is
      // missed.
      if (informer.lists === 1) expect(neverSeen).toEqual([]);
      console.log(
        `${how}: ${writes} writes to ${lives.size} objects, ${final.items.length} left, ${informer.lists} lists, ${neverSeen.length} objects lived only during an outage`,
      );
      expect(writes).toBeGreaterThan(100);

      stop.abort();
      await replica;
      await Promise.all([client.deleteCollection(configMaps, { namespace: NAMESPACE, labelSelector: SELECTOR })]);
      await Promise.all([client.close(), writerClient.close()]);
    },
  );
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const same = (a: Map<string, unknown>, b: Map<string, unknown>) =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
async function until(condition: () => boolean, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!condition() && Date.now() < end) await sleep(20);
}
