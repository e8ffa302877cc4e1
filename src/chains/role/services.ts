import { artifactsOf } from '../formats/index.ts';
import type { Services } from '../reconciler/options.ts';
import type { Surroundings } from '../signing/service.ts';
import type { SignerSource } from '../signing/source.ts';
import { readTrustBundle } from '../spire/trust-bundle.ts';
import type { BackendName, StorageBackend } from '../storage/backend.ts';
import { transparencyLog } from '../transparency/log.ts';
import { requestTimestamp } from '../transparency/timestamp.ts';

/** The real formats, keys, logs and backends behind the reconciler. */
export function createServices(
  signer: SignerSource,
  backend: (name: BackendName) => Promise<StorageBackend>,
  around: Surroundings,
): Services {
  return {
    artifactsOf,
    trustBundle: ({ spire }, signal) => readTrustBundle(spire, signal),
    signer: (kind, pass) => signer(kind, pass),
    log: ({ transparency }) => transparencyLog(transparency, around),
    timestampAuthority: ({ transparency: { timestampUrl } }) => ({
      timestamp: (message, signal) => requestTimestamp(timestampUrl, message, signal, around),
    }),
    backend,
  };
}
