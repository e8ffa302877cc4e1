import { createHash, createPublicKey } from 'node:crypto';
import type { SerializedBundle } from '@sigstore/bundle';
import type { LogEntry } from '../log-entry.ts';
import { inTotoPayloadType, type ImageSubject, type Payload } from '../types.ts';
import { publicKeyDer } from './algorithm.ts';
import type { Signature } from './signer.ts';

export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
/** What cosign v3 writes as predicateType of an image signature. */
export const imageSignaturePredicateType = 'https://sigstore.dev/cosign/sign/v1';

export interface BundleParts {
  /** Of a wrapped payload: bundles hold DSSE envelopes. */
  signature: Signature;
  logEntries?: readonly LogEntry[];
  /** DER of TimeStampResponses over the signature bytes. */
  timestamps?: readonly Uint8Array[];
}

/**
 * A Sigstore bundle v0.3 as cosign v3 writes it: the leaf certificate alone or a hint of the public key (base64 of the
 * SHA-256 of its DER), the envelope with one signature and no keyid, log entries and timestamps. `mediaType`,
 * `predicateType` and the rest of the manifest are the backend's.
 * @throws when the signature is not over a wrapped payload, or a part is missing that verifiers need.
 */
export async function sigstoreBundle({ signature, logEntries = [], timestamps = [] }: BundleParts): Promise<Buffer> {
  const { envelope } = signature;
  const [first] = envelope?.signatures ?? [];
  if (envelope === undefined || first === undefined)
    throw new Error(
      'a Sigstore bundle holds a DSSE envelope: sign a wrapped payload (for images imageSignaturePayload)',
    );
  const document = {
    mediaType: bundleMediaType,
    verificationMaterial: {
      ...(signature.certificate === undefined
        ? { publicKey: { hint: publicKeyHint(signature.publicKeyPem) } }
        : { certificate: { rawBytes: derOf(signature.certificate) } }),
      tlogEntries: logEntries.map((entry) => entry.tlogEntry),
      ...(timestamps.length === 0
        ? {}
        : {
            timestampVerificationData: {
              rfc3161Timestamps: timestamps.map((der) => ({ signedTimestamp: Buffer.from(der).toString('base64') })),
            },
          }),
    },
    dsseEnvelope: { payload: envelope.payload, payloadType: envelope.payloadType, signatures: [{ sig: first.sig }] },
  };
  return Buffer.from(JSON.stringify(await canonical(document)));
}

/** The document as Sigstore's own types write it, checked for what a bundle v0.3 must have. */
async function canonical(document: object): Promise<SerializedBundle> {
  const { bundleFromJSON, bundleToJSON, ValidationError } = await import('@sigstore/bundle');
  try {
    return bundleToJSON(bundleFromJSON(document));
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new Error(
      `the Sigstore bundle would lack or misstate ${(error as { fields?: string[] }).fields?.join(', ') ?? 'a field'}; check what the transparency log answers`,
      { cause: error },
    );
  }
}

/** How a bundle names a bare public key: base64 of the SHA-256 of its PKIX DER. */
export function publicKeyHint(pem: string): string {
  return createHash('sha256')
    .update(publicKeyDer(createPublicKey(pem)))
    .digest('base64');
}

/**
 * The statement that cosign v3 signs for an image in place of simplesigning; upstream wraps the simplesigning payload
 * itself, which no verifier accepts.
 */
export function imageSignaturePayload(image: ImageSubject): Payload {
  const [algorithm = 'sha256', hex = ''] = image.digest.split(':');
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType: imageSignaturePredicateType,
    predicate: {},
  };
  return {
    json: Buffer.from(JSON.stringify(statement)),
    payloadType: inTotoPayloadType,
    predicateType: imageSignaturePredicateType,
    wrap: true,
    subjects: [image],
  };
}

/** Base64 of the DER inside a PEM block. */
function derOf(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\s/g, '');
}
