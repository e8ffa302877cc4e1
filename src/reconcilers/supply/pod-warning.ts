import type { PodWarningNeed } from '../../core/need.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { events, type CoreEvent } from '../../kube/resources.ts';

/** Characters of a warning that go into a condition. */
const longestWarning = 500;

/** What scheduler or kubelet last warned of about a pod. It only explains: where it cannot be read, nothing is lost. */
export async function supplyPodWarning(
  { namespace, podUid }: PodWarningNeed,
  client: Pick<KubeClient, 'list'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { items } = await client.list(events, {
      namespace,
      fieldSelector: `involvedObject.uid=${podUid},type=Warning`,
      signal,
    });
    const time = ({ lastTimestamp, eventTime, metadata }: CoreEvent) =>
      String(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
    const last = items.sort((a, b) => (time(a) < time(b) ? -1 : 1)).at(-1);
    return last && `${last.reason ?? ''}: ${last.message ?? ''}`.slice(0, longestWarning);
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
