import { ServiceError } from '../signing/service.ts';
import { SigningError, type Signature } from '../signing/signer.ts';
import { envelopeJson, preAuthEncoding, type DsseEnvelope } from '../signing/dsse.ts';
import { messageOf } from '../../errors.ts';
import { type BackendName } from '../types.ts';
import { StorageError, type StoreRequest } from './backend.ts';
import { isSameSigner } from './oci/signed-by.ts';

/**
 * The signature as upstream's backends keep it: the whole envelope for statements, the bare signature for
 * simplesigning.
 */
export function signatureContent({ envelope, signature }: Signature): Buffer {
  return envelope ? Buffer.from(envelopeJson(envelope)) : Buffer.from(signature);
}

/** What a store holds under the name of an artifact. */
export interface StoredContent {
  payload: Uint8Array;
  /** As signatureContent makes it. */
  signature: Uint8Array;
  /** PEM; "" without. */
  certificate: string;
}

/**
 * Whether the store already has this payload, signed by the same signer: the bytes of an ECDSA signature are new each
 * time, and a second one says no more than the first.
 */
export function isStoredBefore({ artifact, signature }: StoreRequest, found: StoredContent): boolean {
  if (!Buffer.from(found.payload).equals(artifact.payload.json)) return false;
  if (signatureContent(signature).equals(found.signature)) return true;
  const certificate = found.certificate || undefined;
  if (!artifact.payload.wrap)
    return isSameSigner(signature, { certificate, bytes: found.payload, signature: found.signature });
  const inner = envelopeIn(found.signature);
  return (
    inner !== undefined &&
    isSameSigner(signature, {
      certificate,
      bytes: preAuthEncoding(inner.payloadType, found.payload),
      signature: inner.signature,
    })
  );
}

function envelopeIn(bytes: Uint8Array): { payloadType: string; signature: Buffer } | undefined {
  try {
    const { payloadType, signatures } = JSON.parse(Buffer.from(bytes).toString('utf8')) as DsseEnvelope;
    return { payloadType, signature: Buffer.from(signatures[0]?.sig ?? '', 'base64') };
  } catch {
    return undefined; // whatever lies there, it is not our envelope
  }
}

/** A failure of a remote service as a StorageError; an abort stays what it is. */
export function storageError(
  backend: BackendName,
  { artifact }: StoreRequest,
  error: unknown,
  signal: AbortSignal,
): Error {
  if (signal.aborted) return signal.reason as Error;
  if (error instanceof StorageError) return error;
  return new StorageError(backend, artifact.shortKey, messageOf(error), {
    cause: error,
    retryable: error instanceof SigningError || error instanceof ServiceError ? error.retryable : true,
  });
}

/** A failure that trying again cannot cure, before anything was written. */
export function refused(backend: BackendName, { artifact }: StoreRequest, message: string): StorageError {
  return new StorageError(backend, artifact.shortKey, message, { retryable: false });
}
