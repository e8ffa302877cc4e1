import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { command } from '../../hack/command.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { Caches } from '../../src/controller/caches.ts';
import { pruningController } from '../../src/controller/pruning/controller.ts';
import { PruningSettings } from '../../src/controller/pruning/settings.ts';
import { PruningWatches } from '../../src/controller/pruning/sources.ts';
import { wholeLeadership } from '../../src/kube/buckets.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import { Informer } from '../../src/kube/informer.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { rbacKinds } from '../rbac.ts';
import { runReplica } from '../../src/kube/replica.ts';
import { configMaps, events, namespaces, type ConfigMap } from '../../src/kube/resources.ts';
import { Watchdog } from '../../src/kube/watchdog.ts';
import { silentLogger } from '../../src/log.ts';
import { QueueMetricsRegistry } from '../../src/role/queue-metrics.ts';
import { loadPlane, newNamespace } from '../load/plane.ts';
import { finishedFleet, seedEtcd } from '../load/seed.ts';
import { sized } from '../long.ts';
import type { ControlPlane } from './kube-control-plane.ts';

/** The pruner with the rights that the chart gives it, on a control plane of its own with runs put into etcd. */
const RUNS = sized(500, 2_000);
const PER_SECOND = 200;
const system = 'tekton-pipelines';
const account = `system:serviceaccount:${system}:tekton-pipelines-controller`;
const resource = pipelineRuns;
let plane: ControlPlane;
let admin: KubeClient;
let client: KubeClient;

/** The rights of the chart, and nothing else of it. */
async function grantRights(): Promise<void> {
  const helm = (await command(['hack/cluster', 'tool', 'helm'])).trim();
  const chart = [helm, 'template', 'tektite', 'config/chart', '-n', system, '--set', 'pruner.enabled=true'];
  for (const document of parseAllDocuments(await command(chart))) {
    const object = document.toJS() as KubeObject | null;
    const resource = rbacKinds[object?.kind ?? ''];
    if (!resource || !object?.metadata.name?.startsWith('tekton-pipelines-controller')) continue;
    const patch = { type: 'apply' as const, fieldManager: 'test', force: true, body: object };
    await admin.patch(resource, object.metadata.namespace, object.metadata.name, patch);
  }
}

beforeAll(async () => {
  ({ plane, client: admin } = await loadPlane(`pruning-${process.pid}`));
  await grantRights();
  const config = await loadClusterConfig({ kubeconfig: plane.kubeconfig });
  const credentials = async (fresh?: boolean) => {
    const own = await config.credentials(fresh);
    return { ...own, headers: { ...own.headers, 'impersonate-user': account } };
  };
  client = new KubeClient({ ...config, credentials }, { userAgent: 'pruning-test' });
}, 240_000);

afterAll(async () => {
  await client?.close(true);
  await admin?.close(true);
  await plane?.down();
});

/** The pruner until the signal. */
function runPruner(configMapsOfSystem: Informer<ConfigMap>, signal: AbortSignal): Promise<void> {
  const caches = new Caches(client, { namespaces: [] }, silentLogger);
  const watches = new PruningWatches(client, [], silentLogger);
  const recorder = new EventRecorder({ client, component: 'tekton-pipelines-controller', log: silentLogger });
  const leadership = wholeLeadership();
  const { namespaceMaps, namespaces: watched } = watches;
  const around = { systemNamespace: system, configMaps: configMapsOfSystem.store, events: recorder };
  const controller = pruningController({
    client,
    caches,
    leadership,
    chainsNamespace: 'tekton-chains',
    settings: new PruningSettings({ ...around, namespaceMaps, namespaces: watched }),
    events: recorder,
    queueMetrics: new QueueMetricsRegistry(new Registry()),
    registry: new Registry(),
    watchdog: new Watchdog(silentLogger),
    log: silentLogger,
  });
  const sources = [caches, ...watches.informers, configMapsOfSystem];
  return runReplica({ sources, controllers: [controller], recorder, log: silentLogger }, signal);
}

const settingsMap = (name: string, data: Record<string, string>): ConfigMap => ({
  metadata: {
    name,
    namespace: system,
    labels: { 'app.kubernetes.io/part-of': 'tekton-pruner', 'pruner.tekton.dev/config-type': 'global' },
  },
  data,
});

it('an annotation of a namespace that cannot be read is told there, and nothing is deleted', async () => {
  const namespace = await newNamespace(admin, 'slip');
  await admin.create(resource, {
    metadata: { name: 'going', namespace },
    spec: { pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps: [{ image: 'busybox' }] } }] } },
  });
  const annotations = { 'operator.tekton.dev/prune.keep': 'all' };
  await admin.patch(namespaces, undefined, namespace, { type: 'merge', body: { metadata: { annotations } } });
  const schedule = { schedule: '* * * * *', keep: '3', resources: 'pipelinerun' };
  await admin.create(configMaps, settingsMap('config-pruner', schedule));
  const stop = new AbortController();
  const maps = new Informer<ConfigMap>({ client, resource: configMaps, namespace: system, log: silentLogger });
  const running = runPruner(maps, stop.signal);
  try {
    const told = async () =>
      (await admin.list(events, { namespace })).items.map(({ reason, message }) => `${reason}: ${message}`);
    await expect
      .poll(told, { timeout: 30_000, interval: 250 })
      .toEqual([
        'InvalidPruning: operator.tekton.dev/prune.keep is "all"; use a whole number below 2147483648; its schedule deletes nothing until then',
      ]);
  } finally {
    stop.abort();
    await running;
    await admin.delete(configMaps, system, 'config-pruner');
  }
});

it(
  `${RUNS} finished runs come down to 100 at the configured rate; what is protected stays`,
  { timeout: 240_000 },
  async () => {
    const fleet = await newNamespace(admin, 'fleet');
    await seedEtcd(
      plane,
      [...finishedFleet(RUNS, [fleet])].filter(({ key }) => key.includes('/pipelineruns/')),
    );
    const going: PipelineRun = {
      metadata: { name: 'going', namespace: fleet },
      spec: { pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps: [{ image: 'busybox' }] } }] } },
    };
    await admin.create(resource, going);
    const held = 'run-000000';
    const finalizers = ['chains.tekton.dev/pipelinerun'];
    await admin.patch(resource, fleet, held, { type: 'merge', body: { metadata: { finalizers } } });
    await admin.create(configMaps, settingsMap('config-pruner', { 'deletions-per-second': String(PER_SECOND) }));
    const stop = new AbortController();
    const maps = new Informer<ConfigMap>({ client, resource: configMaps, namespace: system, log: silentLogger });
    const running = runPruner(maps, stop.signal);
    try {
      const names = async () =>
        (await admin.list(resource, { namespace: fleet })).items.map((run) => run.metadata.name);
      expect(await names()).toHaveLength(RUNS + 1);
      const began = performance.now();
      const limits = { 'global-config': 'enforcedConfigLevel: global\nhistoryLimit: 100\n' };
      await admin.create(configMaps, settingsMap('tekton-pruner-default-spec', limits));
      // The newest hundred, the one that Chains holds, and the one that is going on.
      const left = async () => (await names()).length;
      await expect.poll(left, { timeout: 150_000, interval: 1_000 }).toBe(102);
      const seconds = (performance.now() - began) / 1_000;
      expect(seconds).toBeGreaterThan((RUNS - 102) / PER_SECOND);
      expect(await names()).toEqual(expect.arrayContaining(['going', held]));
    } finally {
      stop.abort();
      await running;
    }
  },
);
