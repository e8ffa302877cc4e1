import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { taskRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import type { Resource } from '../../src/kube/object.ts';
import { pods } from '../../src/kube/resources.ts';
import type { ControlPlane } from '../integration/kube-control-plane.ts';
import { RunFollower, createMany } from './batch.ts';
import { LoadedController } from './controller.ts';
import { FaultProxy } from './fault-proxy.ts';
import { allowAlpha, FeatureBatch } from './feature-batch.ts';
import { StandInKubelet } from './kubelet.ts';
import { makeNamespace } from './plane.ts';

export interface FaultReport {
  seconds: number;
  faults: Record<string, number>;
  /** Runs that did not succeed, and what else is not as it would have been without faults. */
  lost: string[];
  /** TaskRuns with more than one pod, PipelineRuns with more than one TaskRun of a task. */
  doubled: string[];
  /** Lists beyond the first and beyond those that a fault made necessary, a minute, of the resource with most. */
  relistsPerMinute: number;
  forcedLists: number;
}

/** Brings runs to their end through a proxy that breaks a share of the controller's calls; one of each feature, too. */
export async function runThroughFaults(
  plane: ControlPlane,
  client: KubeClient,
  given: { count: number; share: number; make: (namespace: string) => PipelineRun; timeoutMs: number },
): Promise<FaultReport> {
  // A second try finds nothing of the first.
  const attempt = randomBytes(3).toString('hex');
  const namespace = await makeNamespace(client, `faults-${attempt}`);
  await allowAlpha(client, true);
  const features = new FeatureBatch(client, await makeNamespace(client, `features-${attempt}`), ['']);
  const proxy = new FaultProxy(await loadClusterConfig({ kubeconfig: plane.kubeconfig }), given.share);
  const folder = await mkdtemp(path.join(tmpdir(), 'tektite-faults-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(await proxy.listen()));
  const controller = await LoadedController.prepare({ kubeconfig });
  const stop = new AbortController();
  const background: Promise<unknown>[] = [];
  try {
    await controller.start([], 180_000);
    background.push(new StandInKubelet(client).run(stop.signal));
    const follower = new RunFollower(client, namespace);
    background.push(follower.run(stop.signal), features.run(stop.signal));
    const began = performance.now();
    await features.create();
    await createMany(client, given.count, () => given.make(namespace));
    // What does not end in time is counted as lost.
    await follower.ended(given.count, given.timeoutMs).catch(() => undefined);
    await features.ended(given.timeoutMs).catch(() => undefined);
    const seconds = (performance.now() - began) / 1000;
    const unfinished = given.count - follower.ends.size;
    const [most, forced] = relists(proxy);
    return {
      seconds,
      faults: Object.fromEntries(proxy.faults),
      lost: [
        ...follower.failed,
        ...(await features.verdict()),
        ...(unfinished > 0 ? [`${unfinished} runs have not ended\n${controller.log.slice(-3_000)}`] : []),
      ],
      doubled: await doubledIn(client, namespace),
      relistsPerMinute: most / Math.max(1, seconds / 60),
      forcedLists: forced,
    };
  } finally {
    stop.abort();
    await Promise.allSettled(background);
    await controller.end();
    await proxy.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function relists({ lists, forcedLists }: FaultProxy): [number, number] {
  const forced = [...forcedLists.values()].reduce((sum, one) => sum + one, 0);
  // The events of a pod are listed when a run does not come on: no cache.
  const more = [...lists]
    .filter(([resource]) => resource !== 'events')
    .map(([resource, count]) => count - 1 - (forcedLists.get(resource) ?? 0));
  return [Math.max(0, ...more), forced];
}

async function doubledIn(client: KubeClient, namespace: string): Promise<string[]> {
  const [children, made] = await Promise.all([
    client.list(taskRuns as unknown as Resource, { namespace }),
    client.list(pods, { namespace }),
  ]);
  const tasks = children.items.map(
    ({ metadata: { labels = {} } }) => `${labels['tekton.dev/pipelineRun']} ${labels['tekton.dev/pipelineTask']}`,
  );
  const owners = made.items.map(({ metadata: { labels = {} } }) => `pod of ${labels['tekton.dev/taskRun']}`);
  return [...tasks, ...owners].filter((one, index, all) => all.indexOf(one) !== index);
}

export function kubeconfigOf(server: URL): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'proxy',
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    // client-node speaks plain HTTP only where TLS is not wanted.
    clusters: [{ name: 'proxy', cluster: { server: server.href, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
  });
}
