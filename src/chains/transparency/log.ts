import type { TransparencySettings } from '../config/settings.ts';
import { SigningError, type Signature } from '../signing/signer.ts';
import type { RemoteService, Surroundings } from '../signing/service.ts';
import type { LogEntry } from '../log-entry.ts';
import type { Payload } from '../types.ts';
import { uploadToRekorV1 } from './rekor-v1.ts';
import { uploadToRekorV2 } from './rekor-v2.ts';

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
  const log: RemoteService = { url: settings.url, around };
  return {
    upload(payload, signature, signal) {
      switch (settings.api) {
        case 'v1':
          return uploadToRekorV1(log, payload, signature, signal);
        case 'v2':
          return uploadToRekorV2(log, payload, signature, signal);
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
