import { X509Certificate, type KeyObject } from 'node:crypto';
import type { Payload } from '../types.ts';
import { algorithmName, publicKeyPem, verifyBytes, type HashName, type SigningAlgorithm } from './algorithm.ts';
import { envelopeOf, preAuthEncoding, type DsseEnvelope } from './dsse.ts';
import { sshFingerprint } from './fingerprint.ts';

/** A signature with all that a verifier, a transparency log or a backend needs beside it. */
export interface Signature {
  /** Over the payload (simplesigning) or its pre-authentication encoding (DSSE). ECDSA: ASN.1 DER. */
  signature: Uint8Array;
  /** Set when the payload is wrapped. */
  envelope?: DsseEnvelope;
  /** The leaf as PEM (keyless). */
  certificate?: string;
  /** The certificates above the leaf as PEM, up to the root as Fulcio gave them (keyless). */
  chain?: string;
  /** SubjectPublicKeyInfo as PEM. Always there. */
  publicKeyPem: string;
  /** OpenSSH fingerprint of the public key: `SHA256:…`. */
  keyId: string;
  /** For people: `ecdsa-p256-sha256`. */
  algorithm: string;
  scheme: SigningAlgorithm['scheme'];
  /** The hash inside the signature; not set for Ed25519. */
  hash?: HashName;
}

/** Signs payloads with one key; safe for concurrent use. */
export interface Signer {
  /** Names key and origin for messages: `cosign.key of signing-secrets`. */
  readonly description: string;
  /** @throws SigningError, naming the key or service and the way out. */
  sign(payload: Payload, signal: AbortSignal): Promise<Signature>;
  /**
   * Whether this is a signature of this payload by the key of now; without a key of its own (keyless), by the key of
   * the signature's certificate, whose origin the caller must know.
   * @throws SigningError when the key cannot be had.
   */
  made(payload: Payload, signature: Signature, signal: AbortSignal): Promise<boolean>;
}

/** A failure to sign. */
export class SigningError extends Error {
  override name = 'SigningError';
  /** False when a person must act first (a wrong password, a missing right): the same try fails again. */
  readonly retryable: boolean;
  constructor(message: string, options: ErrorOptions & { retryable?: boolean } = {}) {
    super(message, options);
    this.retryable = options.retryable ?? true;
  }
}

/** What was used for one signature. */
export interface SigningKey {
  publicKey: KeyObject;
  algorithm: SigningAlgorithm;
  certificate?: string;
  chain?: string;
}

/** Signs bytes as they are, and says with which key: a remote key may change between two calls. */
export interface ByteSigner {
  readonly description: string;
  signBytes(bytes: Uint8Array, signal: AbortSignal): Promise<{ signature: Uint8Array; key: SigningKey }>;
  /** The key that signs now. Absent where each run has its own (keyless). */
  currentKey?(signal: AbortSignal): Promise<SigningKey>;
}

/** A signer of payloads over a signer of bytes. */
export function payloadSigner(bytes: ByteSigner): Signer {
  return {
    description: bytes.description,
    async sign(payload, signal) {
      signal.throwIfAborted();
      const { signature, key } = await bytes.signBytes(signedBytes(payload), signal);
      const keyId = sshFingerprint(key.publicKey);
      return {
        signature,
        ...(payload.wrap ? { envelope: envelopeOf(payload.payloadType, payload.json, signature, keyId) } : {}),
        ...(key.certificate === undefined ? {} : { certificate: key.certificate, chain: key.chain ?? '' }),
        publicKeyPem: publicKeyPem(key.publicKey),
        keyId,
        algorithm: algorithmName(key.publicKey, key.algorithm),
        scheme: key.algorithm.scheme,
        ...(key.algorithm.hash === undefined ? {} : { hash: key.algorithm.hash }),
      };
    },
    async made(payload, signature, signal) {
      const key = bytes.currentKey ? await bytes.currentKey(signal) : certifiedKey(signature);
      return key !== undefined && isBy(key, payload, signature);
    },
  };
}

function signedBytes(payload: Payload): Uint8Array {
  return payload.wrap ? preAuthEncoding(payload.payloadType, payload.json) : payload.json;
}

function isBy({ publicKey, algorithm }: SigningKey, payload: Payload, { signature, keyId }: Signature): boolean {
  try {
    return keyId === sshFingerprint(publicKey) && verifyBytes(publicKey, algorithm, signedBytes(payload), signature);
  } catch {
    return false; // a key or signature of another kind
  }
}

/** The key in a keyless signature's certificate. */
function certifiedKey({ certificate, scheme, hash }: Signature): SigningKey | undefined {
  if (certificate === undefined) return undefined;
  try {
    const { publicKey } = new X509Certificate(certificate);
    return { publicKey, algorithm: { scheme, hash } as SigningAlgorithm };
  } catch {
    return undefined;
  }
}
