import { command } from '../../hack/command.ts';
import { install } from '../../hack/deploy/install.ts';
import type { Target } from '../../hack/deploy/pick-cluster.ts';

interface ClusterStatus {
  kubeconfig: string;
  registry: string;
}

/** What examples and tests run in, besides our own images. */
const standIns = ['busybox', 'alpine', 'bash', 'ubuntu', 'git', 'node', 'crane'];

/** Finds the test cluster, which hack/test.ts started (or the developer's own: TEKTITE_CLUSTER). */
export async function testCluster(): Promise<Extract<Target, { kind: 'own' }>> {
  const cluster = process.env['TEKTITE_CLUSTER'] ?? 'tektite';
  const status = JSON.parse(await command(['hack/cluster', 'status', '--json', '--name', cluster])) as ClusterStatus;
  return { kind: 'own', cluster, kubeconfig: status.kubeconfig, registry: new URL(status.registry).host };
}

/** Pushes what examples and tests run in to the cluster's registry. */
export async function prepareImages({ registry }: { registry: string }): Promise<void> {
  await command(['hack/images', 'push', `http://${registry}`, ...standIns], { show: true });
}

/** Once before all end-to-end tests: the images they use, and the present sources installed with helm. */
export default async function setup(): Promise<void> {
  const target = await testCluster();
  process.env['KUBECONFIG'] = target.kubeconfig;
  await prepareImages(target);
  await install(target);
}
