import { eventListeners } from '../../src/api/triggers/objects.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps, serviceAccounts } from '../../src/kube/resources.ts';
import { portsMapName, servedMapName } from '../../src/triggers/shared-sink/names.ts';
import { portRange, servedBy, type PortHolder } from '../../src/triggers/shared-sink/ports.ts';
import { clusterRoleBindings, rbacGroup } from '../rbac.ts';

/**
 * Makes `count` EventListeners like the one that is there, and writes as the controller does which port of the shared
 * sink is whose. Their account, as which the shared sink reads, may do all: what is measured is not who may. Returns
 * the ports.
 */
export async function sharedListeners(
  client: KubeClient,
  like: { namespace: string; name: string },
  count: number,
  systemNamespace: string,
): Promise<number[]> {
  const { namespace } = like;
  const { spec } = await client.get(eventListeners, namespace, like.name);
  const account = spec?.serviceAccountName ?? '';
  await client.create(serviceAccounts, { metadata: { namespace, name: account } });
  await client.create(clusterRoleBindings, {
    metadata: { name: 'bench-sink' },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', namespace, name: account }],
  });
  const data: Record<string, string> = {};
  for (let index = 0; index < count; index++) {
    const name = `${like.name}-${index}`;
    const made = await client.create(eventListeners, { metadata: { namespace, name }, spec });
    const holder: PortHolder = { namespace, name, uid: made.metadata.uid ?? '', account };
    data[portRange.first + index] = JSON.stringify(holder);
  }
  for (const [name, own] of [
    [portsMapName, data],
    [servedMapName, {}],
  ] as const)
    await client.create(configMaps, { metadata: { namespace: systemNamespace, name }, data: own });
  return Object.keys(data).map(Number);
}

/** Whether the pod says that it serves all of them. */
export async function areServed(
  client: KubeClient,
  systemNamespace: string,
  pod: string,
  ports: readonly number[],
): Promise<boolean> {
  const { data } = await client.get(configMaps, systemNamespace, servedMapName);
  const served = servedBy(data?.[pod]);
  return ports.every((port) => String(port) in served);
}
