import { LRUCache } from 'lru-cache';
import type { KmsKeys } from '../resolvers/supply/policies.ts';
import type { TrustedKey } from '../resolvers/trust/public-key.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type KmsKeySource = (signal: AbortSignal) => Promise<TrustedKey>;

/** Policies are of namespaces, and each may name another key. */
const mostKeys = 100;

/**
 * The public keys in a KMS that VerificationPolicies name, read with the controller's own identity (the pod's, or
 * VAULT_ADDR and VAULT_TOKEN). Whoever may write a policy names the key, but never the server: that would send the
 * controller, with its credentials, wherever they like.
 * @throws Error naming the reference and what to do
 */
export function policyKmsKeys(env: Environment): KmsKeys {
  const known = new LRUCache<string, KmsKeySource>({ max: mostKeys });
  return async (reference, signal) => {
    checkServer(reference);
    const source = known.get(reference) ?? (await keySource(reference, env));
    known.set(reference, source);
    return source(signal);
  };
}

const azureHost = /^azurekms:\/\/([^/]*)/;
const azureDomains = /^[a-z0-9-]+(\.(vault|managedhsm)\.(azure\.net|azure\.cn|usgovcloudapi\.net))?$/i;

function checkServer(reference: string): void {
  if (/^awskms:\/\/[^/]/.test(reference))
    throw new Error(
      `${reference} names a server; write awskms:///KEY (an operator sets AWS_ENDPOINT_URL_KMS of the controller for another one)`,
    );
  const host = azureHost.exec(reference)?.[1];
  if (host !== undefined && !azureDomains.test(host))
    throw new Error(`${reference} names a server that is none of Azure's; write azurekms://VAULT/KEY`);
}

/** Signers keep the public key of now for some minutes. */
async function keySource(reference: string, env: Environment): Promise<KmsKeySource> {
  const [{ createKmsSigner }, { kmsReferenceIn }] = await Promise.all([
    import('../chains/signing/kms/index.ts'),
    import('../chains/signing/kms/reference.ts'),
  ]);
  kmsReferenceIn('key.kms', reference);
  const none = { path: '', role: '', tokenPath: '' };
  const auth = {
    address: env['VAULT_ADDR'] ?? '',
    token: env['VAULT_TOKEN'] ?? '',
    tokenPath: '',
    oidc: none,
    spire: { sock: '', audience: '' },
  };
  const signer = createKmsSigner({ ref: reference, auth }, { env });
  return async (signal) => {
    const current = await signer.currentKey?.(signal);
    if (current === undefined) throw new Error(`${reference} has no public key`);
    const { publicKey: key, algorithm } = current;
    return { key, hash: algorithm.hash ?? 'sha256', ...(algorithm.scheme === 'rsa-pss' ? { isPss: true } : {}) };
  };
}
