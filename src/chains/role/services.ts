import type { Registries } from '../../registry/client.ts';
import type { CredentialSource } from '../../images/run-credentials.ts';
import { artifactsOf, reportsArtifacts } from '../formats/index.ts';
import type { Services } from '../reconciler/options.ts';
import type { Surroundings } from '../signing/service.ts';
import type { SignerSource } from '../signing/source.ts';
import { readTrustBundle } from '../spire/trust-bundle.ts';
import type { BackendName } from '../types.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { provePush } from '../storage/oci/prove-push.ts';
import { transparencyLog } from '../transparency/log.ts';
import { requestTimestamp } from '../transparency/timestamp.ts';

export interface ServiceSurroundings {
  around: Surroundings;
  registries: Registries;
  /** Without those of Chains. */
  runCredentials: CredentialSource;
}

/** The real formats, keys, logs and backends behind the reconciler. */
export function createServices(
  signer: SignerSource,
  backend: (name: BackendName) => Promise<StorageBackend>,
  { around, registries, runCredentials }: ServiceSurroundings,
): Services {
  return {
    reportsArtifacts,
    artifactsOf,
    trustBundle: ({ spire }, signal) => readTrustBundle(spire, signal),
    signer: (kind, pass, key) => signer(kind, pass, key),
    provePush: (run, image, { storage }, signal) =>
      provePush({ run, image, insecure: storage.oci.insecure, registries, credentials: runCredentials }, signal),
    log: ({ transparency }) => transparencyLog(transparency, around),
    timestampAuthority: ({ transparency: { timestampUrl } }) => ({
      timestamp: (message, signal) => requestTimestamp(timestampUrl, message, signal, around),
    }),
    backend,
  };
}
