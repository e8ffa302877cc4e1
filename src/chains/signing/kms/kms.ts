import type { KeyObject } from 'node:crypto';
import { systemClock } from '../../../clock.ts';
import { digestOf, verifyBytes, type SigningAlgorithm } from '../algorithm.ts';
import { observed, type Surroundings } from '../service.ts';
import { SigningError, type ByteSigner, type SigningKey } from '../signer.ts';

/** The key behind a reference as it is now. */
export interface KmsKey {
  publicKey: KeyObject;
  /** Fixed by the key in most services. */
  algorithm: SigningAlgorithm;
  /** What `sign` is given to use exactly this version, where the service has versions. */
  version: string;
}

/** One key in a key management service. */
export interface KmsClient {
  /** The reference as the user wrote it. */
  readonly description: string;
  /** @throws SigningError naming the reference, the address and the way out. */
  fetchKey(signal: AbortSignal): Promise<KmsKey>;
  /** Signs a digest by the algorithm's hash (or the message itself for Ed25519). ECDSA: ASN.1 DER. */
  sign(key: KmsKey, input: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

/** As upstream's client libraries; a rotation is noticed earlier, by a signature that does not match. */
const keyLifeMs = 300_000;

/**
 * Signs through a key management service. The public key is kept for five minutes; every signature is checked with it,
 * so that a key that was rotated meanwhile is read again instead of giving signatures that nobody can verify.
 */
export function kmsSigner(client: KmsClient, around: Surroundings = {}): ByteSigner {
  const clock = around.clock ?? systemClock;
  let kept: { key: KmsKey; at: number } | undefined;

  async function currentKey(signal: AbortSignal): Promise<KmsKey> {
    const now = clock.now().getTime();
    if (kept === undefined || now - kept.at > keyLifeMs) {
      kept = { key: await observed(around, 'kms', signal, () => client.fetchKey(signal)), at: now };
    }
    return kept.key;
  }

  async function attempt(
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ signature: Uint8Array; key: SigningKey } | undefined> {
    const key = await currentKey(signal);
    const input = key.algorithm.hash === undefined ? bytes : digestOf(key.algorithm.hash, bytes);
    const signature = await observed(around, 'kms', signal, () => client.sign(key, input, signal));
    return verifyBytes(key.publicKey, key.algorithm, bytes, signature) ? { signature, key } : undefined;
  }

  return {
    description: client.description,
    currentKey,
    async signBytes(bytes, signal) {
      const wasKept = kept !== undefined;
      try {
        const first = await attempt(bytes, signal);
        if (first !== undefined) return first;
      } catch (error) {
        // A version that was destroyed or disabled since: the next look may find its successor.
        kept = undefined;
        if (!wasKept) throw error;
      }
      kept = undefined;
      const second = await attempt(bytes, signal);
      if (second !== undefined) return second;
      throw new SigningError(
        `${client.description}: the signature of the service does not verify with the public key that it gives; check that the key is a signing key with SHA-2`,
        { retryable: false },
      );
    },
  };
}
