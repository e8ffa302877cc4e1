import type { RefSource } from '../../api/meta.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { PersistentVolumeClaimTemplate } from '../../api/pipeline/v1/workspace.ts';
import type { Decision, EventEffect, PatchMetadataEffect } from '../decision.ts';
import type { SpecChange } from '../digest/spec-change.ts';
import type { CredentialSecret } from '../pod/credentials.ts';
import type { ImageFact } from '../pod/image.ts';
import type { LimitRange } from '../pod/resources.ts';
import type { NewPod, Pod } from '../pod/types.ts';
import type { Settings } from '../settings.ts';

/** The definition that a run asks for, or why it cannot be had. */
export type TaskFact =
  | {
      kind: 'resolved';
      /** Name of the Task; for an embedded spec that of the run. */
      name: string;
      spec: TaskSpec;
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
      refSource?: RefSource;
    }
  /** Final: the condition's reason and message. */
  | { kind: 'failed'; reason: string; message: string }
  /** Somebody is fetching it; the watch tells when it is there. */
  | { kind: 'resolving'; reason: string; message: string };

/** What must be looked up live before a pod can be built, and only then. */
export interface StartFacts {
  /** A message when the service account is not there. */
  serviceAccountProblem?: string;
  secrets: CredentialSecret[];
  /** Secrets of the service account that could not be read: a warning, as upstream. */
  unreadableSecrets: string[];
  limitRanges: LimitRange[];
  images: ReadonlyMap<string, ImageFact>;
}

/** Everything that decides what to do next for a TaskRun. */
export interface TaskRunFacts {
  /** As it was when the controller began to act on it (`asRecorded`). */
  taskRun: TaskRun;
  /** Set when its spec was changed since. */
  specChange?: SpecChange;
  task: TaskFact;
  /** Pods that this very run (by uid) controls. */
  pods: Pod[];
  /** The last warning about the current pod, when `podToAskAbout` named it. */
  podWarning?: string;
  /** Present when `startNeeds` asked for it. */
  start?: StartFacts;
  settings: Settings;
}

export interface NewClaim extends Required<Pick<PersistentVolumeClaimTemplate, 'spec'>> {
  apiVersion: 'v1';
  kind: 'PersistentVolumeClaim';
  metadata: NewPod['metadata'];
}

export type PodPatch =
  | { kind: 'annotation'; name: string; value: string }
  /** New images of containers, by their place in the pod's spec, which never changes. */
  | { kind: 'images'; images: { index: number; image: string }[] };

export type TaskRunEffect =
  | { type: 'createPersistentVolumeClaim'; claim: NewClaim }
  | { type: 'createPod'; pod: NewPod }
  | { type: 'patchPod'; namespace: string; name: string; purpose: 'ready' | 'cancel' | 'stopSidecars'; patch: PodPatch }
  | { type: 'deletePod'; namespace: string; name: string; uid?: string }
  | PatchMetadataEffect
  | EventEffect;

export type TaskRunDecision = Decision<TaskRunStatus, TaskRunEffect>;
