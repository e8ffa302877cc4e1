import type { Authority, VerificationPolicy } from '../../api/resolution/verification-policy.ts';
import { messageOf } from '../../errors.ts';
import { ApiError, isNotFound, type KubeClient } from '../../kube/client.ts';
import { secrets } from '../../kube/resources.ts';
import { NoVerdictYet } from '../trust/verify.ts';
import { hashAlgorithm, publicKeyOf, type TrustedKey } from '../trust/public-key.ts';

/** The public key behind a KMS reference. @throws Error */
export type KmsKeys = (reference: string, signal: AbortSignal) => Promise<TrustedKey>;

export interface PolicyKeysOptions {
  client: Pick<KubeClient, 'get'>;
  /** Without it, keys in a KMS are told as not available. */
  kms?: KmsKeys | undefined;
}

/** The keys of a policy's authorities; a single one that cannot be had fails all, as upstream. */
export async function keysOfPolicy(
  { spec }: VerificationPolicy,
  options: PolicyKeysOptions,
  signal: AbortSignal,
): Promise<TrustedKey[]> {
  return Promise.all(spec.authorities.map((authority) => keyOfAuthority(authority, options, signal)));
}

async function keyOfAuthority(
  { name, key }: Authority,
  options: PolicyKeysOptions,
  signal: AbortSignal,
): Promise<TrustedKey> {
  try {
    return await keyFrom(key ?? {}, options, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NoVerdictYet) throw error;
    throw new Error(`authority ${JSON.stringify(name)}: ${messageOf(error)}`, { cause: error });
  }
}

async function keyFrom(
  { data, secretRef, kms: reference, hashAlgorithm: named }: NonNullable<Authority['key']>,
  { client, kms }: PolicyKeysOptions,
  signal: AbortSignal,
): Promise<TrustedKey> {
  const hash = hashAlgorithm(named);
  if (data) return { key: publicKeyOf(data), hash };
  if (secretRef) return { key: await keyInSecret(secretRef, client, signal), hash };
  if (!reference) throw new Error("key doesn't contain data or keyRef");
  if (kms === undefined) throw new Error('keys in a KMS are not available here');
  return kms(reference, signal);
}

async function keyInSecret(
  { namespace = '', name = '' }: { namespace?: string | undefined; name?: string | undefined },
  client: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
) {
  if (namespace === '' || name === '') throw new Error('secretRef needs name and namespace');
  const secret = await client.get(secrets, namespace, name, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) throw new Error(`secret not found: ${namespace}/${name}`);
    if (error instanceof ApiError && error.isForbidden) throw error;
    throw new NoVerdictYet(messageOf(error), { cause: error });
  });
  const values = Object.values(secret.data ?? {});
  if (values.length === 0) throw new Error(`secret "${namespace}/${name}" contains no data`);
  if (values.length > 1)
    throw new Error(`secret "${namespace}/${name}" contains multiple data entries, only one is supported`);
  return publicKeyOf(Buffer.from(values[0] ?? '', 'base64'));
}
