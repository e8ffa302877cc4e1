import { createPublicKey, type KeyObject } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { CryptographyClient, JsonWebKey as AzureKey, KeyClientOptions, KeyVaultKey } from '@azure/keyvault-keys';
import { messageOf } from '../../../errors.ts';
import { curveOf, type SigningAlgorithm } from '../algorithm.ts';
import { ecdsaDer } from '../ecdsa-der.ts';
import type { Environment } from '../service.ts';
import { SigningError } from '../signer.ts';
import type { KmsClient, KmsKey } from './kms.ts';

export interface AzureOptions {
  env?: Environment;
  /** Default: DefaultAzureCredential (workload identity, environment, managed identity). */
  credential?: TokenCredential;
  client?: KeyClientOptions;
}

/** AZURE_ENVIRONMENT as upstream's client reads it: vault domain and login host. */
const CLOUDS: Readonly<Record<string, { vaults: string; authority: string }>> = {
  AZUREPUBLICCLOUD: { vaults: 'vault.azure.net', authority: 'https://login.microsoftonline.com' },
  AZURECLOUD: { vaults: 'vault.azure.net', authority: 'https://login.microsoftonline.com' },
  AZUREUSGOVERNMENT: { vaults: 'vault.usgovcloudapi.net', authority: 'https://login.microsoftonline.us' },
  AZUREUSGOVERNMENTCLOUD: { vaults: 'vault.usgovcloudapi.net', authority: 'https://login.microsoftonline.us' },
  AZURECHINACLOUD: { vaults: 'vault.azure.cn', authority: 'https://login.chinacloudapi.cn' },
};

const timeoutMs = 10_000;

/** A key in Azure Key Vault or a managed HSM. */
export function azureClient(
  reference: { host: string; key: string; version?: string },
  options: AzureOptions = {},
): KmsClient {
  const env = options.env ?? process.env;
  const cloud = CLOUDS[env.AZURE_ENVIRONMENT ?? 'AZUREPUBLICCLOUD'] ?? CLOUDS.AZUREPUBLICCLOUD!;
  const vaultUrl = `https://${/[.:]/.test(reference.host) ? reference.host : `${reference.host}.${cloud.vaults}`}`;
  const description = `azurekms://${reference.host}/${reference.key}`;
  let credential: Promise<TokenCredential> | undefined;
  let signing: { version: string; client: CryptographyClient } | undefined;
  let current: KeyVaultKey | undefined;

  function credentials(): Promise<TokenCredential> {
    credential ??=
      options.credential !== undefined
        ? Promise.resolve(options.credential)
        : import('@azure/identity').then(
            ({ DefaultAzureCredential }) => new DefaultAzureCredential({ authorityHost: cloud.authority }),
          );
    return credential;
  }

  async function call<T>(
    action: string,
    signal: AbortSignal,
    work: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      signal.throwIfAborted();
      const status = (error as { statusCode?: number }).statusCode;
      throw new SigningError(
        `Azure Key Vault ${description} (${vaultUrl}): ${action}: ${messageOf(error)}; check vault, key, AZURE_ENVIRONMENT and that the identity has the key permissions get and sign`,
        { cause: error, retryable: status !== 403 && status !== 404 },
      );
    }
  }

  return {
    description,
    fetchKey: (signal) =>
      call('get', signal, async (abortSignal): Promise<KmsKey> => {
        const { KeyClient } = await import('@azure/keyvault-keys');
        const client = new KeyClient(vaultUrl, await credentials(), options.client);
        const found = await client.getKey(reference.key, {
          abortSignal,
          ...(reference.version === undefined ? {} : { version: reference.version }),
        });
        const publicKey = publicKeyOf(found.key);
        current = found;
        return { publicKey, algorithm: algorithmOf(publicKey), version: found.id ?? '' };
      }),
    sign: (key, input, signal) =>
      call('sign', signal, async (abortSignal) => {
        if (signing?.version !== key.version) {
          const { CryptographyClient } = await import('@azure/keyvault-keys');
          signing = {
            version: key.version,
            client: new CryptographyClient(
              current?.id === key.version ? current : key.version,
              await credentials(),
              options.client,
            ),
          };
        }
        const { result } = await signing.client.sign(nameOf(key), input, { abortSignal });
        return key.algorithm.scheme === 'ecdsa' ? ecdsaDer(result) : result;
      }),
  };
}

/** Keys in an HSM say "EC-HSM" where a JSON web key says "EC". */
function publicKeyOf(key: AzureKey | undefined): KeyObject {
  const part = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64url');
  const kty = key?.kty?.replace(/-HSM$/, '');
  const jwk =
    kty === 'EC' ? { kty, crv: key?.crv, x: part(key?.x), y: part(key?.y) } : { kty, n: part(key?.n), e: part(key?.e) };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/** The service fixes the hash by the curve; RSA is free, and SHA-256 is what cosign checks. */
function algorithmOf(key: KeyObject): SigningAlgorithm {
  if (key.asymmetricKeyType !== 'ec') return { scheme: 'rsa-pkcs1v15', hash: 'sha256' };
  const curve = curveOf(key);
  return { scheme: 'ecdsa', hash: curve === 'p256' ? 'sha256' : curve === 'p384' ? 'sha384' : 'sha512' };
}

function nameOf(key: KmsKey): string {
  return `${key.algorithm.scheme === 'ecdsa' ? 'ES' : 'RS'}${key.algorithm.hash?.slice(3)}`;
}
