import type { CredentialFacts, CredentialsNeed } from '../../core/need.ts';
import type { CredentialSecret } from '../../core/pod/credentials.ts';
import { ApiError, isNotFound, type KubeClient } from '../../kube/client.ts';
import { secrets, serviceAccounts } from '../../kube/resources.ts';

/**
 * Live: credentials are not kept in this process's memory, and only names, types and annotations of secrets are passed
 * on.
 */
export async function supplyCredentials(
  { namespace, serviceAccountName }: CredentialsNeed,
  client: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
): Promise<CredentialFacts> {
  try {
    const account = await client.get(serviceAccounts, namespace, serviceAccountName, { signal });
    const names = [...new Set((account.secrets ?? []).flatMap(({ name }) => (name ? [name] : [])))];
    const found = await Promise.all(names.map((name) => findSecret(namespace, name, client, signal)));
    return {
      secrets: found.filter((secret) => secret !== undefined),
      unreadableSecrets: names.filter((_, index) => found[index] === undefined),
    };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { serviceAccountProblem: error.message, secrets: [], unreadableSecrets: [] };
  }
}

async function findSecret(
  namespace: string,
  name: string,
  client: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
): Promise<CredentialSecret | undefined> {
  try {
    const secret = await client.get(secrets, namespace, name, { signal });
    return { name, ...(secret.type ? { type: secret.type } : {}), annotations: secret.metadata.annotations ?? {} };
  } catch (error) {
    if (error instanceof ApiError && (error.isNotFound || error.isForbidden)) return undefined;
    throw error;
  }
}
