import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Election } from '../../src/kube/buckets.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { unlessExists } from '../../src/kube/client.ts';
import type { ElectionConfig } from '../../src/kube/election-config.ts';
import { Informer } from '../../src/kube/informer.ts';
import { keyOf } from '../../src/kube/object.ts';
import { WorkQueue } from '../../src/kube/queue.ts';
import { feedQueue, runReplica } from '../../src/kube/replica.ts';
import { configMaps, leases, namespaces } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/resources.ts';
import { silentLogger } from '../../src/log.ts';
import { ControlPlane } from './kube-control-plane.ts';

const NAMESPACE = 'kube-election';
const QUEUE = 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler';
const KEYS = 60;
/** Upstream's proportions, ten times as fast. */
const CONFIG: ElectionConfig = {
  buckets: 3,
  leaseDurationMs: 6_000,
  renewDeadlineMs: 4_000,
  retryPeriodMs: 1_000,
  leasePrefixes: {},
};

/** A reconcile takes so long. */
const WORK_MS = 5;

let plane: ControlPlane;
let admin: KubeClient;
beforeAll(async () => {
  plane = await ControlPlane.up(`kube-election-${process.pid}`);
  admin = await plane.client();
  await admin.create(namespaces, { metadata: { name: NAMESPACE } });
  await Promise.all(
    Array.from({ length: KEYS }, (_, i) =>
      admin.create(configMaps, { metadata: { name: `run-${i}`, namespace: NAMESPACE, labels: { work: 'yes' } } }),
    ),
  );
});
afterAll(async () => {
  await admin?.close(true);
  await plane?.down();
});

/** Who works on what right now, over all replicas of this test. */
class Ledger {
  readonly busy = new Map<string, string>();
  readonly done: { key: string; by: string }[] = [];
  readonly clashes: string[] = [];
}

/** Of the replicas of a test: none outlives it. */
let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.map((end) => end()));
  ends = [];
});

async function replica(name: string, ledger: Ledger, config = CONFIG) {
  const client = await plane.client();
  const wrapped = breakable(client);
  const election = new Election({
    client: wrapped.client,
    namespace: NAMESPACE,
    component: 'tekton-pipelines-controller',
    config,
    identity: name,
    log: silentLogger,
  });
  const leadership = election.forReconciler(QUEUE);
  const informer = new Informer<ConfigMap>({
    client,
    resource: configMaps,
    namespace: NAMESPACE,
    labelSelector: 'work=yes',
    log: silentLogger,
  });
  const queue = new WorkQueue();
  feedQueue(informer.store, queue, leadership);
  const stop = new AbortController();
  const running = runReplica(
    {
      sources: [informer],
      election,
      log: silentLogger,
      controllers: [
        {
          name,
          queue,
          log: silentLogger,
          owns: (key) => leadership.owns(key),
          onLost: (listener) => leadership.onLost(listener),
          onDraining: (listener) => leadership.onDraining(listener),
          reconcile: async (key) => {
            const other = ledger.busy.get(key);
            if (other) ledger.clashes.push(`${key}: ${name} while ${other}`);
            ledger.busy.set(key, name);
            await sleep(WORK_MS);
            ledger.busy.delete(key);
            ledger.done.push({ key, by: name });
            return { kind: 'done' };
          },
        },
      ],
    },
    stop.signal,
  );
  const end = async () => {
    stop.abort();
    await running;
    await client.close(true);
  };
  ends.push(end);
  const keys = () => [...informer.store.keys()].filter((key) => leadership.owns(key));
  return {
    name,
    keys,
    break: wrapped.break,
    stop: end,
  };
}

/** A client whose replica can be cut off from the leases, as a frozen or isolated process is. */
function breakable(client: KubeClient) {
  let broken = false;
  const proxy = new Proxy(client, {
    get:
      (target, property) =>
      (...args: unknown[]) => {
        if (broken && property !== 'watch') return Promise.reject(new Error('cut off'));
        return (target[property as keyof KubeClient] as (...a: unknown[]) => unknown).apply(target, args);
      },
  });
  return {
    client: proxy,
    break: () => {
      broken = true;
    },
  };
}

describe('several replicas on a real API server', () => {
  test("share the keys, hand over at once on SIGTERM, and after the lease's time when one is cut off", async () => {
    const ledger = new Ledger();
    const a = await replica('a', ledger);
    await until(() => a.keys().length === KEYS, 5_000);
    const [b, c] = await Promise.all([replica('b', ledger), replica('c', ledger)]);
    await until(() => new Set(ledger.done.map(({ key }) => key)).size === KEYS, 5_000);

    // Those who came later get their share.
    const joined = performance.now();
    await until(
      () =>
        [a, b, c].every((r) => r.keys().length > 0) && [a, b, c].reduce((sum, r) => sum + r.keys().length, 0) === KEYS,
      10_000,
    );
    const shared = performance.now() - joined;
    expect(ledger.clashes).toEqual([]);

    // A clean end: the others take over at once and look at every key that was handed to them.
    const handed = a.keys();
    const finished = ledger.done.length;
    const started = performance.now();
    await a.stop();
    const released = performance.now() - started;
    await until(() => b.keys().length + c.keys().length === KEYS, 5_000);
    const handOver = performance.now() - started;
    expect(handOver).toBeLessThan(CONFIG.retryPeriodMs);
    await until(
      () => handed.every((key) => ledger.done.slice(finished).some((work) => work.key === key && work.by !== 'a')),
      3_000,
    );
    expect(ledger.done.slice(finished).every(({ by }) => by !== 'a')).toBe(true);

    // An event reaches the replica that leads its key, and only that one.
    const before = ledger.done.length;
    const touched = await admin.patch(configMaps, NAMESPACE, 'run-7', {
      type: 'merge',
      body: { data: { touched: String(Date.now()) } },
    });
    await until(() => ledger.done.length > before, 3_000);
    await sleep(100);
    expect(ledger.done.slice(before)).toEqual([
      { key: keyOf(touched), by: b.keys().includes(keyOf(touched)) ? 'b' : 'c' },
    ]);

    // Cut off: gives its keys up by itself before another may have them.
    const [victim, heir] = b.keys().length > 0 ? [b, c] : [c, b];
    const cut = performance.now();
    victim.break();
    await until(() => victim.keys().length === 0, CONFIG.renewDeadlineMs + CONFIG.retryPeriodMs);
    expect(heir.keys().length + victim.keys().length).toBeLessThanOrEqual(KEYS);
    await until(() => heir.keys().length === KEYS, CONFIG.leaseDurationMs * 2);
    const succession = performance.now() - cut;
    console.log(
      `shares even after ${shared.toFixed(0)} ms, release ${released.toFixed(0)} ms, hand-over ${handOver.toFixed(0)} ms, succession of a cut-off replica ${succession.toFixed(0)} ms (lease ${CONFIG.leaseDurationMs} ms)`,
    );
    expect(ledger.clashes).toEqual([]);
    await Promise.all([b.stop(), c.stop()]);

    const { items } = await admin.list(leases, { namespace: NAMESPACE });
    expect(items.map(({ metadata, spec }) => [metadata.name, spec?.holderIdentity])).toEqual(
      [0, 1, 2].map((i) => [`tekton-pipelines-controller.${QUEUE}.0${i}-of-03`, '']),
    );
  });

  test('a restart of the API server costs no leadership and doubles no work', async () => {
    const ledger = new Ledger();
    // An API server takes its time to come back on a busy machine.
    const patient = { ...CONFIG, leaseDurationMs: 30_000, renewDeadlineMs: 20_000 };
    const replicas = [await replica('d', ledger, patient), await replica('e', ledger, patient)];
    await until(
      () =>
        replicas.every((r) => r.keys().length > 0) && replicas.reduce((sum, r) => sum + r.keys().length, 0) === KEYS,
      10_000,
    );
    const owners = replicas.map((r) => r.keys().length);
    await plane.restartApiServer('SIGKILL');
    await sleep(1_500);
    expect(replicas.map((r) => r.keys().length)).toEqual(owners);
    const before = ledger.done.length;
    await admin
      .create(configMaps, { metadata: { name: 'after', namespace: NAMESPACE, labels: { work: 'yes' } } })
      .catch(unlessExists);
    await until(() => ledger.done.slice(before).some(({ key }) => key === `${NAMESPACE}/after`), 10_000);
    expect(ledger.clashes).toEqual([]);
    await Promise.all(replicas.map((r) => r.stop()));
  });
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(condition: () => boolean, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
    await sleep(5);
  }
}
