import type { NamespacePolicies } from '../namespaces.ts';
import type { SpireSettings } from '../spire/trust-bundle.ts';
import type { ArtifactKind, BackendName, FormatSettings, StatementFormat } from '../types.ts';

export type SignerKind = 'x509' | 'kms' | 'none';

/** How artifacts of one type are signed and where they go. */
export interface ArtifactSettings {
  /**
   * False when the signer is "none" or the list of backends is empty: as upstream, nothing of this type is made then.
   */
  enabled: boolean;
  signer: SignerKind;
  /** In the order of the ConfigMap, without repetition. */
  storage: BackendName[];
}

export interface StatementSettings extends ArtifactSettings {
  format: StatementFormat;
}

export interface StorageSettings {
  gcs: { bucket: string };
  oci: {
    /** Where signatures go instead of beside the image; "" for beside. */
    repository: string;
    /** Plain HTTP is allowed and certificates are not checked. */
    insecure: boolean;
    encoding: 'dsse' | 'sigstore-bundle';
  };
  docdb: { url: string; mongoServerUrl: string; mongoServerUrlDir: string; mongoServerUrlPath: string };
  grafeas: { projectId: string; noteId: string; noteHint: string };
  archivista: { url: string };
  pubsub: { provider: '' | 'inmemory' | 'kafka'; topic: string; kafkaBootstrapServers: string };
}

export interface TransparencySettings {
  /** 'manual': only runs annotated chains.tekton.dev/transparency-upload: "true". */
  mode: 'off' | 'all' | 'manual';
  url: string;
  /** Which API the log at `url` speaks: Rekor v1 (dsse, hashedrekord entries) or Rekor v2 (tiles). Ours. */
  api: 'v1' | 'v2';
  /** RFC 3161 timestamp authority; "" for none. Ours. */
  timestampUrl: string;
}

export interface X509Settings {
  /** `issuer`: the only one whose tokens go to Fulcio; "" for any. `provider`: "" tries all. */
  fulcio: { enabled: boolean; address: string; issuer: string; provider: string };
  identityTokenFile: string;
}

export interface KmsSettings {
  ref: string;
  auth: {
    address: string;
    token: string;
    /** A file; wins over `token`. */
    tokenPath: string;
    oidc: { path: string; role: string; tokenPath: string };
    spire: { sock: string; audience: string };
  };
}

/** What may be attested and signed, for whom, with whose rights. Values that are not known count as the strictest. */
export interface TrustSettings {
  /**
   * Runs of which no controller kept a record of what it acted on (artifacts.unrecorded). 'never': not those of another
   * controller either, whoever names it (enforce-nonfalsifiable).
   */
  unrecorded: 'never' | 'refuse' | 'sign';
  /**
   * Fields of pods that admission webhooks may have changed (artifacts.pod-changes); undefined: any, since nothing is
   * asked for but that the controller saw it (without enforce-nonfalsifiable).
   */
  podChanges?: readonly string[];
  /** Whether users may keep their runs from being signed (artifacts.opt-out). */
  optOut: 'allow' | 'forbid';
  /** Images are signed only when the run's own credentials may push them (artifacts.oci.verify-push). */
  verifyPush: boolean;
  /** Whether what a run's credentials cannot push goes with those of Chains (storage.oci.lend-credentials). */
  lendCredentials: boolean;
  /** signing.namespaces */
  namespaces: NamespacePolicies;
}

/** ConfigMap chains-config (upstream docs/config.md). It is also the settings of the formats. */
export interface ChainsConfig extends FormatSettings {
  /** `earlierInputs`: what TaskRuns before one in its pipeline fetched is named in its attestation. Ours. */
  taskrun: StatementSettings & { earlierInputs: boolean };
  pipelinerun: StatementSettings & { deepInspection: boolean };
  oci: ArtifactSettings & { format: 'simplesigning' };
  storage: StorageSettings;
  transparency: TransparencySettings;
  signers: { x509: X509Settings; kms: KmsSettings };
  /** Who vouches for results that were signed by means of SPIRE (artifacts.taskrun.spire.*). Ours. */
  spire: SpireSettings;
  trust: TrustSettings;
  /** Values of spec.managedBy that are signed besides "", unset and tekton.dev/pipeline. */
  managedBy: string[];
  /** Attempts after which a run is marked failed. Upstream's constant is 5. Ours as a key. */
  attempts: number;
}

/** How artifacts of this type are treated. */
export function settingsOf(config: ChainsConfig, kind: ArtifactKind): ArtifactSettings {
  return config[kind];
}
