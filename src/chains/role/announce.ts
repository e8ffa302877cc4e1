import { chainsInfoName, isWaitingForSigner, signingKey, type SigningState } from '../../api/config/chains-info.ts';
import { messageOf } from '../../errors.ts';
import { isNotFound, type KubeClient } from '../../kube/client.ts';
import { configMaps } from '../../kube/resources.ts';

export interface Announcing {
  client: Pick<KubeClient, 'get' | 'patch'>;
  namespace: string;
}

/**
 * Says in ConfigMap chains-info whether runs are signed: the pruner does not wait for signatures that nobody gives.
 * Before the first run is signed nothing may say that none is.
 * @throws Error naming the map and the way out, when it says the opposite and cannot be changed
 */
export async function announceSigning(
  { client, namespace }: Announcing,
  state: SigningState,
  signal: AbortSignal,
): Promise<void> {
  const where = `ConfigMap ${namespace}/${chainsInfoName}`;
  try {
    const { data } = await client.get(configMaps, namespace, chainsInfoName, { signal });
    if (isWaitingForSigner(data) === (state === 'waiting')) return;
    const body = { data: { [signingKey]: state } };
    await client.patch(configMaps, namespace, chainsInfoName, { type: 'merge', body, signal });
  } catch (error) {
    // Without the map nobody says that nothing is signed, and pruning waits as it is set.
    if (isNotFound(error)) return;
    signal.throwIfAborted();
    throw new Error(
      `${where} cannot be told that signing is ${JSON.stringify(state)}: ${messageOf(error)}; give Chains the verbs get and patch on it (Role tekton-chains-info-writer of the chart)`,
      { cause: error },
    );
  }
}
