import { createPublicKey } from 'node:crypto';
import { systemClock } from '../../../clock.ts';
import type { HashName, SigningAlgorithm } from '../algorithm.ts';
import { googleAccessToken } from '../identity/google.ts';
import { jsonOf, joinUrl, request, type Request, type Surroundings } from '../service.ts';
import { SigningError } from '../signer.ts';
import type { KmsClient } from './kms.ts';

export interface GcpOptions extends Surroundings {
  /** Default: the environment's CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS, then https://cloudkms.googleapis.com/. */
  endpoint?: string;
  /** An access token for Cloud KMS; default: the application default credentials. */
  accessToken?: (signal: AbortSignal) => Promise<string>;
}

interface KeyVersion {
  name: string;
  algorithm: string;
}

const wayOut = 'check signers.kms.kmsref, and that the credentials have roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key';

/** Cloud KMS over its REST API (cloud.google.com/kms/docs/reference/rest). */
export function gcpClient(reference: { key: string; version?: string }, options: GcpOptions = {}): KmsClient {
  const env = options.env ?? process.env;
  const base = joinUrl(options.endpoint ?? env.CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS ?? 'https://cloudkms.googleapis.com/', 'v1');
  const accessToken = options.accessToken ?? googleAccessToken();

  async function call<T>(path: string, signal: AbortSignal, body?: unknown): Promise<T> {
    const wanted: Request = {
      service: 'Cloud KMS', url: joinUrl(base, path), wayOut,
      headers: { authorization: `Bearer ${await accessToken(signal)}` },
      ...(body === undefined ? {} : { body }),
    };
    return jsonOf(wanted, await request(wanted, signal, options.clock ?? systemClock)) as T;
  }

  async function newestVersion(signal: AbortSignal): Promise<KeyVersion> {
    if (reference.version !== undefined) return call<KeyVersion>(`${reference.key}/cryptoKeyVersions/${reference.version}`, signal);
    const query = new URLSearchParams({ filter: 'state=ENABLED', orderBy: 'name desc', pageSize: '100' });
    const { cryptoKeyVersions = [] } = await call<{ cryptoKeyVersions?: KeyVersion[] }>(`${reference.key}/cryptoKeyVersions?${query}`, signal);
    // "name desc" sorts 9 before 10: the greatest number is what is meant.
    const newest = cryptoKeyVersions.reduce<KeyVersion | undefined>((best, found) => (best === undefined || numberOf(found) > numberOf(best) ? found : best), undefined);
    if (newest === undefined) throw new SigningError(`Cloud KMS ${reference.key} has no enabled version; create or enable one`, { retryable: false });
    return newest;
  }

  return {
    description: `gcpkms://${reference.key}`,
    async fetchKey(signal) {
      const version = await newestVersion(signal);
      const { pem } = await call<{ pem: string }>(`${version.name}/publicKey`, signal);
      return { publicKey: createPublicKey(pem), algorithm: algorithmOf(version), version: version.name };
    },
    async sign(key, input, signal) {
      const encoded = Buffer.from(input).toString('base64');
      const body = key.algorithm.hash === undefined ? { data: encoded } : { digest: { [key.algorithm.hash]: encoded } };
      const { signature } = await call<{ signature: string }>(`${key.version}:asymmetricSign`, signal, body);
      return Buffer.from(signature, 'base64');
    },
  };
}

function numberOf(version: KeyVersion): number {
  return Number(version.name.split('/').at(-1));
}

/** EC_SIGN_P256_SHA256, RSA_SIGN_PKCS1_3072_SHA256, RSA_SIGN_PSS_4096_SHA512, EC_SIGN_ED25519. */
function algorithmOf(version: KeyVersion): SigningAlgorithm {
  const [, family, hash] = /^(EC_SIGN_P\d+|RSA_SIGN_PKCS1|RSA_SIGN_PSS)_(?:\d+_)?SHA(256|384|512)$/.exec(version.algorithm) ?? [];
  if (family !== undefined) {
    const scheme = family.startsWith('EC') ? 'ecdsa' : family === 'RSA_SIGN_PSS' ? 'rsa-pss' : 'rsa-pkcs1v15';
    return { scheme, hash: `sha${hash}` as HashName };
  }
  if (version.algorithm === 'EC_SIGN_ED25519') return { scheme: 'ed25519' };
  throw new SigningError(`Cloud KMS ${version.name} has the algorithm ${version.algorithm}, with which cosign cannot verify; make a key with EC_SIGN_P256_SHA256`, { retryable: false });
}
