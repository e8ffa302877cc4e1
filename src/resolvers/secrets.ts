import { messageOf } from '../errors.ts';
import { isNotFound, type KubeClient } from '../kube/client.ts';
import { secrets } from '../kube/resources.ts';
import { ResolutionError } from './resolver.ts';

export interface SecretReference {
  namespace: string;
  name: string;
  key: string;
}

/** Values of Secrets that references name. */
export interface SecretValues {
  /** @throws ResolutionError with upstream's texts when it is not there. */
  value(reference: SecretReference, signal: AbortSignal): Promise<string>;
}

/** Read anew for each request: a right that was taken away counts at once. */
export function secretValues(client: Pick<KubeClient, 'get'>): SecretValues {
  return {
    async value({ namespace, name, key }, signal) {
      const secret = await client.get(secrets, namespace, name, { signal }).catch((cause: unknown) => {
        signal.throwIfAborted();
        if (isNotFound(cause))
          throw new ResolutionError(`cannot get API token, secret ${name} not found in namespace ${namespace}`);
        throw new ResolutionError(
          `error reading API token from secret ${name} in namespace ${namespace}: ${messageOf(cause)}`,
          { retryable: true, cause },
        );
      });
      const value = secret.data?.[key];
      if (value === undefined)
        throw new ResolutionError(
          `cannot get API token, key ${key} not found in secret ${name} in namespace ${namespace}`,
        );
      return Buffer.from(value, 'base64').toString('utf8');
    },
  };
}
