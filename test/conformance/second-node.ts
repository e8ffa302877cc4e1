import { command } from '../../hack/command.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { nodes } from '../../src/kube/resources.ts';
import { testCluster } from '../e2e/setup.ts';

/**
 * A second node, with a kubelet of its own, beside the test cluster's one. The label node-type, which examples ask for,
 * is worker-1 on that and worker-2 on this.
 */
export async function addSecondNode(client: KubeClient): Promise<{ remove(): Promise<void> }> {
  const { cluster } = await testCluster();
  const { items } = await client.list(nodes);
  const first = items.map(({ metadata: { name = '' } }) => name);
  const second = (await command(['hack/cluster', 'add-node', '--name', cluster])).trim();
  const label = (name: string, value: string | null) =>
    client.patch(nodes, '', name, { type: 'merge', body: { metadata: { labels: { 'node-type': value } } } });
  await Promise.all([...first.map((name) => label(name, 'worker-1')), label(second, 'worker-2')]);
  return {
    remove: async () => {
      await command(['hack/cluster', 'remove-node', '--name', cluster]);
      await Promise.all(first.map((name) => label(name, null)));
    },
  };
}
