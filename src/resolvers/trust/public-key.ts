import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { HashAlgorithm } from '../../api/resolution/verification-policy.ts';

/** A key that signatures are checked with. */
export interface TrustedKey {
  key: KeyObject;
  hash: HashAlgorithm;
  /** RSA-PSS, which a KMS may have its key sign with; else PKCS#1 v1.5. */
  isPss?: boolean;
}

const algorithms: readonly string[] = ['sha224', 'sha256', 'sha384', 'sha512'];

/** @throws Error with upstream's text for a name that is none. */
export function hashAlgorithm(name: string | undefined): HashAlgorithm {
  const normal = (name ?? '').toLowerCase() || 'sha256';
  if (!algorithms.includes(normal)) throw new Error(`unknown digest algorithm: ${name}`);
  return normal as HashAlgorithm;
}

/** A PEM public key (SubjectPublicKeyInfo, or PKCS#1 for RSA). @throws Error with upstream's beginning. */
export function publicKeyOf(pem: string | Uint8Array): KeyObject {
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1');
  if (!/-----BEGIN (RSA )?PUBLIC KEY-----/.test(text))
    throw new Error('key cannot be decoded: there is no PEM block "PUBLIC KEY" in it');
  try {
    return createPublicKey(text);
  } catch {
    throw new Error('key cannot be decoded: the PEM block "PUBLIC KEY" does not hold a public key');
  }
}

/** Whether this is the key's signature of the message (a digest of the definition); never throws. */
export function isSignedBy({ key, hash, isPss }: TrustedKey, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_AUTO: saltLength } = constants;
    const algorithm = key.asymmetricKeyType === 'ed25519' ? null : hash;
    return verify(algorithm, message, isPss ? { key, padding, saltLength } : key, signature);
  } catch {
    return false;
  }
}
