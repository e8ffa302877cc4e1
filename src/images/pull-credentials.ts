import type { ImageCredentials } from '../core/pod/image.ts';
import { messageOf } from '../errors.ts';
import { found, type KubeClient } from '../kube/client.ts';
import { secrets, serviceAccounts } from '../kube/resources.ts';
import { keychainOfSecret, type Keychain } from '../registry/keychain.ts';

/** A pull secret that cannot be read: whoever made it must mend it. */
export class PullSecretError extends Error {
  override name = 'PullSecretError';
}

/**
 * The pull secrets that kubelet would use for the pod: the ServiceAccount's and the pod's own. A secret that is missing
 * is passed over, as kubelet does.
 * @throws PullSecretError naming a secret that cannot be read; as the client when the API server refuses.
 */
export async function pullKeychains(
  client: Pick<KubeClient, 'get'>,
  asker: ImageCredentials,
  signal: AbortSignal,
): Promise<Keychain[]> {
  const { namespace, serviceAccountName, imagePullSecrets } = asker;
  const account = await found(client.get(serviceAccounts, namespace, serviceAccountName, { signal }));
  const ofAccount = (account?.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
  const names = [...new Set([...imagePullSecrets, ...ofAccount])];
  const read = await Promise.all(names.map((name) => found(client.get(secrets, namespace, name, { signal }))));
  return read.flatMap((secret) => {
    try {
      return secret ? [keychainOfSecret(secret.data)] : [];
    } catch (error) {
      throw new PullSecretError(`pull secret ${namespace}/${secret?.metadata.name ?? ''}: ${messageOf(error)}`);
    }
  });
}
