import { createHash, createPublicKey, sign, verify, constants, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export type HashName = 'sha256' | 'sha384' | 'sha512';

/** How bytes become a signature. `hash` is not set for Ed25519, which takes the message as it is. */
export type SigningAlgorithm =
  { scheme: 'ecdsa' | 'rsa-pkcs1v15' | 'rsa-pss'; hash: HashName } | { scheme: 'ed25519'; hash?: undefined };

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'p256', secp384r1: 'p384', secp521r1: 'p521' };

/**
 * The algorithm for a key that a user gave us (x509.pem, cosign.key, Fulcio): what `cosign verify --key` checks when it
 * is given no further flag. That is SHA-256 for every ECDSA curve and RSA (PKCS#1 v1.5), and pure Ed25519: cosign signs
 * with Ed25519ph but verifies `--key` with pure Ed25519, so a stranger's cosign accepts only the latter.
 * @throws when the key is of a kind that cosign cannot verify, naming it.
 */
export function defaultAlgorithm(key: KeyObject): SigningAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ec':
      curveOf(key);
      return { scheme: 'ecdsa', hash: 'sha256' };
    case 'rsa':
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
        throw new Error(
          `the RSA key has ${key.asymmetricKeyDetails?.modulusLength} bits; cosign accepts 2048 and more: make a new key pair`,
        );
      return { scheme: 'rsa-pkcs1v15', hash: 'sha256' };
    case 'ed25519':
      return { scheme: 'ed25519' };
    default:
      throw new Error(
        `keys of type ${key.asymmetricKeyType ?? 'unknown'} cannot be used; use an ECDSA (P-256, P-384, P-521), RSA or Ed25519 key`,
      );
  }
}

/** `p256`, `p384` or `p521` of an EC key. @throws for other curves, naming them. */
export function curveOf(key: KeyObject): string {
  const name = key.asymmetricKeyDetails?.namedCurve ?? 'unknown';
  const curve = CURVES[name];
  if (curve === undefined) throw new Error(`the curve ${name} cannot be used; use P-256, P-384 or P-521`);
  return curve;
}

/** A name for people and logs: `ecdsa-p256-sha256`, `rsa-2048-pkcs1v15-sha256`, `ed25519`. */
export function algorithmName(key: KeyObject, algorithm: SigningAlgorithm): string {
  switch (algorithm.scheme) {
    case 'ecdsa':
      return `ecdsa-${curveOf(key)}-${algorithm.hash}`;
    case 'rsa-pkcs1v15':
    case 'rsa-pss':
      return `rsa-${key.asymmetricKeyDetails?.modulusLength}-${algorithm.scheme.slice(4)}-${algorithm.hash}`;
    case 'ed25519':
      return 'ed25519';
    default: {
      const never: never = algorithm;
      return never;
    }
  }
}

function keyInput(key: KeyObject, algorithm: SigningAlgorithm) {
  if (algorithm.scheme === 'rsa-pss')
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return { key };
}

const signInPool = promisify<string | null, Uint8Array, ReturnType<typeof keyInput>, Buffer>(sign);

/** Signs `bytes` off the event loop; ECDSA signatures are ASN.1 DER, as everywhere in Sigstore. */
export function signBytes(key: KeyObject, algorithm: SigningAlgorithm, bytes: Uint8Array): Promise<Buffer> {
  return signInPool(algorithm.hash ?? null, bytes, keyInput(key, algorithm));
}

/** Whether `signature` is right; never throws for a malformed signature. */
export function verifyBytes(
  key: KeyObject,
  algorithm: SigningAlgorithm,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(algorithm.hash ?? null, bytes, keyInput(key, algorithm), signature);
}

export function digestOf(hash: HashName, bytes: Uint8Array): Buffer {
  return createHash(hash).update(bytes).digest();
}

/** SubjectPublicKeyInfo as PEM, with the newline at its end that Go's encoder writes. */
export function publicKeyPem(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

/** SubjectPublicKeyInfo as DER. */
export function publicKeyDer(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}
