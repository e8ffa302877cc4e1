import type { KubeClient } from './client.ts';
import { isNotFound } from './api-error.ts';
import { pods } from './resources.ts';

/**
 * Whether the holder of a lease is a pod of this namespace that is no more, or will never run again. Then its lease
 * need not run out first. Holders with "_" in their identity (knative's, and processes outside a pod) are never taken
 * for one.
 */
export async function holderIsGone(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  identity: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (identity === '' || identity.includes('_')) return false;
  try {
    const { phase } = (await client.get(pods, namespace, identity, { signal, unlimited: true })).status ?? {};
    return phase === 'Failed' || phase === 'Succeeded';
  } catch (error) {
    return isNotFound(error);
  }
}
