import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { Clock } from '../../clock.ts';
import type { NestedRun } from '../../core/digest/verify.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Resource } from '../../kube/object.ts';
import type { Cache } from '../../kube/cache.ts';
import type { Logger } from '../../log.ts';
import type { RunKind } from '../annotations.ts';
import type { ChainsConfig } from '../config/settings.ts';
import type { SigningKeyChoice } from '../namespaces.ts';
import type { RunState } from '../plan/run.ts';
import type { Seal } from '../plan/seal.ts';
import type { TrustBundle } from '../../core/spire/svid.ts';
import type { Signer } from '../signing/signer.ts';
import type { Artifact, ArtifactKind, BackendName, FormatProblem, ImageSubject, RunObject } from '../types.ts';
import type { StorageBackend } from '../storage/backend.ts';
import type { TransparencyLog } from '../transparency/log.ts';

/** Confirms when a signature was made: DER of an RFC 3161 response. */
export interface TimestampAuthority {
  timestamp(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

/** What signing goes through. Chosen anew for every attempt, because settings are live. */
export interface Services {
  /** Whether the run reports anything that its attestation would have as a subject. */
  reportsArtifacts(run: RunObject): boolean;
  artifactsOf(
    run: RunObject,
    others: TaskRun[],
    config: ChainsConfig,
    nested: NestedRun[],
  ): { artifacts: Artifact[]; problems: FormatProblem[] };
  /**
   * Who vouches for results signed by means of SPIRE; `undefined` when nobody is configured.
   * @throws when the trust bundle that is configured cannot be used, naming it.
   */
  trustBundle(config: ChainsConfig, signal: AbortSignal): Promise<TrustBundle | undefined>;
  /**
   * `pass` stands for one attempt on one run: keyless artifacts of it share a certificate.
   * `key` is the one of the run's namespace, where it has its own.
   * @throws when there is no usable key, naming what is missing.
   */
  signer(kind: ArtifactKind, pass: object, key?: SigningKeyChoice): Promise<Signer>;
  /**
   * Proves that the run's own credentials may push to the image's repository and that the image is there.
   * @throws when they may not, or when the registry does not answer.
   */
  provePush(run: RunObject, image: ImageSubject, config: ChainsConfig, signal: AbortSignal): Promise<void>;
  /** @throws when the settings name no log that can be used. */
  log(config: ChainsConfig): TransparencyLog;
  timestampAuthority(config: ChainsConfig): TimestampAuthority;
  /** @throws when the backend lacks a setting, naming it. */
  backend(name: BackendName): Promise<StorageBackend>;
}

/** Upstream's values of the label, and `verification` for what must not be attested. */
export type FailureType = 'payload_creation' | 'marshal_payload' | 'signing' | 'storage' | 'tlog' | 'verification';

export interface SigningMetrics {
  signCreated(kind: RunKind): void;
  payloadUploaded(kind: RunKind): void;
  payloadStored(kind: RunKind, backend: BackendName): void;
  /** `seconds` from the run's completion. */
  markedSigned(kind: RunKind, seconds: number): void;
  markedFailed(kind: RunKind): void;
  failed(kind: RunKind, type: FailureType): void;
  /** How long storing one artifact took; of backend oci these are the calls to a registry. */
  storing(backend: BackendName, outcome: 'success' | 'error', seconds: number): void;
}

export interface RunCaches {
  taskRuns: Pick<Cache<RunState>, 'get' | 'find' | 'observeWrite'>;
  pipelineRuns: Pick<Cache<RunState>, 'get' | 'find' | 'observeWrite'>;
}

export interface ReconcilerOptions {
  kind: RunKind;
  resource: Resource<RunObject>;
  client: Pick<KubeClient, 'get' | 'patch'>;
  caches: RunCaches;
  settings: () => ChainsConfig;
  /** Tells what Chains itself wrote on a run from what others did. */
  seal: Seal;
  services: Services;
  metrics: SigningMetrics;
  events: Pick<EventRecorder, 'event'>;
  clock: Clock;
  random: () => number;
  log: Logger;
}
