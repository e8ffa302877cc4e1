import type { ContainerLog, ContainerLogNeed, LogAccessNeed } from '../../core/need.ts';
import { isAbort, messageOf } from '../../errors.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { accessReviews, pods } from '../../kube/resources.ts';

/** Longer than a kubelet takes that answers at all. */
const patienceMs = 30_000;

/**
 * What a container of the very pod has printed. A pod of the same name may have taken its place while its log was read:
 * the pod is looked at afterwards, and only if it is still the one is the log its own.
 */
export async function supplyContainerLog(
  need: ContainerLogNeed,
  client: Pick<KubeClient, 'get' | 'podLogs'>,
  signal: AbortSignal,
): Promise<ContainerLog> {
  const { namespace, pod, podUid } = need;
  try {
    const log = await readLog(need, client, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]));
    const { metadata } = await client.get(pods, namespace, pod, { signal });
    if (metadata.uid === podUid) return log;
    return { kind: 'unreadable', message: `pod ${namespace}/${pod} was replaced by another`, retryable: false };
  } catch (error) {
    if (signal.aborted && isAbort(error, signal)) throw error;
    return { kind: 'unreadable', message: messageOf(error), retryable: !isFinal(error) };
  }
}

/** An answer that another try would not change. */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

/** Never more than one byte over the limit is taken, whatever the server sends. */
async function readLog(
  { namespace, pod, container, lastLines, limit }: ContainerLogNeed,
  client: Pick<KubeClient, 'podLogs'>,
  signal: AbortSignal,
): Promise<ContainerLog> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const asked = { container, limitBytes: limit + 1, ...(lastLines === undefined ? {} : { tailLines: lastLines }) };
  for await (const chunk of client.podLogs(namespace, pod, { ...asked, signal })) {
    const kept = chunk.subarray(0, limit + 1 - size);
    chunks.push(kept);
    size += kept.length;
    if (size > limit) break;
  }
  const text = Buffer.concat(chunks).subarray(0, limit).toString('utf8');
  return { kind: 'read', text, isCut: size > limit };
}

/**
 * Whether the controller may read logs in a namespace. Only a clear no counts: a server that cannot say now is asked
 * for the log itself later.
 */
export async function supplyLogAccess(
  { namespace }: LogAccessNeed,
  client: Pick<KubeClient, 'create'>,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceAttributes = { namespace, verb: 'get', resource: 'pods', subresource: 'log' };
  try {
    const review = { metadata: {}, spec: { resourceAttributes } };
    const { status } = await client.create(accessReviews, review, { signal });
    return status?.allowed !== false;
  } catch (error) {
    if (signal.aborted) throw error;
    return true;
  }
}
