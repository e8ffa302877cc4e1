import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { PersistentVolumeClaimTemplate } from '../../api/pipeline/v1/workspace.ts';
import type { Decision, EventEffect, PatchMetadataEffect } from '../decision.ts';
import type { SpecChange } from '../digest/spec-change.ts';
import type { NewPod, Pod } from '../pod/types.ts';
import type { Settings } from '../settings.ts';

/** Everything about a TaskRun that is there already; what else its planning needs it asks for. */
export interface TaskRunFacts {
  /** As it was when the controller began to act on it (`asRecorded`). */
  taskRun: TaskRun;
  /** Set when its spec was changed since. */
  specChange?: SpecChange;
  /** Pods that this very run (by uid) controls. */
  pods: Pod[];
  settings: Settings;
}

export interface NewClaim extends Required<Pick<PersistentVolumeClaimTemplate, 'spec'>> {
  apiVersion: 'v1';
  kind: 'PersistentVolumeClaim';
  metadata: NewPod['metadata'];
}

/** By what SPIRE knows the steps of a pod, and until when. */
export interface PodIdentity {
  namespace: string;
  taskRun: string;
  pod: string;
  podUid: string;
  node: string;
  /** Step containers: a sidecar gets no identity. */
  containers: string[];
  /** Seconds since the epoch; 0: until it is taken away. */
  expiresAt: number;
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
  | { type: 'registerIdentity'; identity: PodIdentity }
  | { type: 'removeIdentity'; identity: Pick<PodIdentity, 'namespace' | 'taskRun' | 'podUid'> }
  | PatchMetadataEffect
  | EventEffect;

export type TaskRunDecision = Decision<TaskRunStatus, TaskRunEffect>;
