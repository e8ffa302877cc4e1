import type { TransparencySettings } from '../config.ts';
import { SigningError, type Signature } from '../signing/signer.ts';
import type { Surroundings } from '../signing/service.ts';
import type { Payload } from '../types.ts';
import { uploadToRekorV1 } from './rekor-v1.ts';
import { uploadToRekorV2 } from './rekor-v2.ts';

/** The JSON form of TransparencyLogEntry in a bundle (sigstore_rekor.proto): base64 bytes, numbers as text. */
export interface BundleLogEntry {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime?: string;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof?: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes?: string[];
    checkpoint?: { envelope: string };
  };
  canonicalizedBody: string;
}

/** One entry in a transparency log. Plain data: it can be kept as JSON and used again by a later pass. */
export interface LogEntry {
  /** For the annotation chains.tekton.dev/transparency. */
  url: string;
  logIndex: number;
  /** Hex of the log's key hash. */
  logId: string;
  /** Rekor v1's name of the entry; not set for v2, which has none. */
  uuid?: string;
  /** Unix seconds; 0 for v2, where a timestamp authority says the time. */
  integratedTime: number;
  /** Base64 of the canonical entry. */
  body: string;
  /** Base64 of the signed entry timestamp; only v1. */
  inclusionPromise?: string;
  tlogEntry: BundleLogEntry;
}

/** A log that takes signatures. */
export interface TransparencyLog {
  /**
   * Writes the signature down, or finds the entry that is already there for the same signature.
   * @throws SigningError naming the log's URL and the way out.
   */
  upload(payload: Payload, signature: Signature, signal: AbortSignal): Promise<LogEntry>;
}

/** The log that transparency.url and transparency.api name. */
export function transparencyLog(
  settings: Pick<TransparencySettings, 'url' | 'api'>,
  around: Surroundings = {},
): TransparencyLog {
  if (!URL.canParse(settings.url))
    throw new SigningError(
      `transparency.url in chains-config is ${JSON.stringify(settings.url)}, which is not a URL; write https://host`,
      { retryable: false },
    );
  return {
    upload(payload, signature, signal) {
      switch (settings.api) {
        case 'v1':
          return uploadToRekorV1(settings.url, payload, signature, signal, around);
        case 'v2':
          return uploadToRekorV2(settings.url, payload, signature, signal, around);
        default: {
          const never: never = settings.api;
          return never;
        }
      }
    },
  };
}

/**
 * The value of the OCI annotation dev.sigstore.cosign/bundle, with which cosign checks an entry without asking the log.
 * undefined for entries without a signed timestamp (Rekor v2), which only bundles can carry.
 */
export function rekorBundleAnnotation(entry: LogEntry): string | undefined {
  if (entry.inclusionPromise === undefined) return undefined;
  const { body, integratedTime, logIndex, logId } = entry;
  return JSON.stringify({
    SignedEntryTimestamp: entry.inclusionPromise,
    Payload: { body, integratedTime, logIndex, logID: logId },
  });
}

/** The value of the OCI annotation dev.sigstore.cosign/rfc3161timestamp. */
export function timestampAnnotation(timestamp: Uint8Array): string {
  return JSON.stringify({ SignedRFC3161Timestamp: Buffer.from(timestamp).toString('base64') });
}
