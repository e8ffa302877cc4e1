import { readFile } from 'node:fs/promises';
import { command } from '../../hack/command.ts';
import { install, systemNamespace } from '../../hack/deploy/install.ts';
import type { Target } from '../../hack/deploy/pick-cluster.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { configMaps, namespaces } from '../../src/kube/resources.ts';
import { privateRegistryAuthority, privateRegistryHost } from './private-registry.ts';
import { closeNamespace, PolicyEnforcer, policyValues } from './policy-enforcer.ts';
import { hostBeside } from './remote-servers.ts';

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

/** Where the controller looks images up that only a password gives; all others are in the cluster's registry. */
function privateImages({ registry }: { registry: string }): Record<string, string> {
  const host = privateRegistryHost(hostBeside(registry));
  return { [`controller.registryMirrors.${host.replaceAll('.', '\\.')}`]: `https://${host}` };
}

/** ConfigMap config-registry-cert as operators make it: the controller reads it when it starts. */
async function trustPrivateRegistry({ cluster, kubeconfig }: { cluster: string; kubeconfig: string }): Promise<void> {
  const client = new KubeClient(await loadClusterConfig({ kubeconfig }), { userAgent: 'tektite-e2e' });
  const apply = { type: 'apply', fieldManager: 'e2e', force: true } as const;
  const cert = await readFile(privateRegistryAuthority(cluster), 'utf8');
  try {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } };
    await client.patch(namespaces, undefined, systemNamespace, { ...apply, body: namespace });
    const name = 'config-registry-cert';
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { cert } };
    await client.patch(configMaps, systemNamespace, name, { ...apply, body });
  } finally {
    await client.close(true);
  }
}

/**
 * Once before all end-to-end tests: the images they use, and the present sources installed with helm. With
 * TEKTITE_NETWORK_POLICIES=1 everything runs under the chart's NetworkPolicies, enforced, in a namespace closed to all
 * else.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const target = await testCluster();
  process.env['KUBECONFIG'] = target.kubeconfig;
  await Promise.all([prepareImages(target), trustPrivateRegistry(target)]);
  if (process.env['TEKTITE_NETWORK_POLICIES'] !== '1') {
    await install(target, privateImages(target));
    return () => Promise.resolve();
  }
  const enforcer = await PolicyEnforcer.start(target);
  await install(target, { ...(await policyValues(target)), ...privateImages(target) });
  await closeNamespace(target, systemNamespace);
  return () => enforcer.stop();
}
