import { annotations } from '../../core/labels.ts';
import type { GroupNodeNeed } from '../../core/need.ts';
import { ApiError, found, type KubeClient } from '../../kube/client.ts';
import { nodes, pods, type Node, type Pod } from '../../kube/resources.ts';

/**
 * The node of the last pod of a group that had one, while it takes pods. Finished pods count: they are where a run's
 * volume is, and the scheduler does not see them. Where the controller may not read nodes nothing is said: a node that
 * is gone or cordoned would keep the pod waiting for ever.
 */
export async function supplyGroupNode(
  { namespace, group }: GroupNodeNeed,
  client: Pick<KubeClient, 'list' | 'get'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const labelSelector = `${annotations.affinityAssistant}=${group}`;
  const { items } = await client.list(pods, { namespace, labelSelector, signal });
  const name = lastNode(items);
  if (name === undefined) return undefined;
  try {
    const node = await found(client.get(nodes, '', name, { signal }));
    return node && takesPods(node) ? name : undefined;
  } catch (error) {
    if (error instanceof ApiError && error.isForbidden) return undefined;
    throw error;
  }
}

function lastNode(items: readonly Pod[]): string | undefined {
  const time = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '') || 0;
  return items
    .filter(({ spec }) => spec?.nodeName)
    .sort((a, b) => time(a) - time(b))
    .at(-1)?.spec?.nodeName;
}

function takesPods({ metadata, spec, status }: Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return !metadata.deletionTimestamp && spec?.unschedulable !== true && ready?.status === 'True';
}
