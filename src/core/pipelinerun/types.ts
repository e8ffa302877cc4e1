import type { ApiObject, ObjectMeta, RefSource } from '../../api/meta.ts';
import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Decision, EventEffect, PatchMetadataEffect } from '../decision.ts';
import type { SpecChange } from '../digest/spec-change.ts';
import type { Inheritance } from '../inheritance/record.ts';
import type { ClaimNeed, DefinitionNeed, EarlierPipelineRunNeed, TurnNeed } from '../need.ts';
import type { Superseded } from '../queue/standing.ts';
import type { NewPod } from '../pod/types.ts';
import type { Resolved } from '../reference/resolved.ts';
import type { Settings } from '../settings.ts';
import type { CancelCause, Child, ChildKind, NewChild, StopRequest } from './child/child.ts';

/** Everything about a run that is there already; what else its planning needs it asks for. */
export interface PipelineRunFacts {
  /** As it was when the controller began to act on it (`asRecorded`). */
  run: PipelineRun;
  /** Set when its spec was changed since. */
  specChange?: SpecChange;
  /** Every run whose controller is this run, by uid. */
  children: readonly Child[];
  /** The PipelineRuns that it runs within, the nearest first. */
  ancestors?: readonly PipelineRun[];
  settings: Settings;
}

/** The Pipeline that a run refers to, or its own embedded one. */
export interface PipelineSource {
  name: string;
  /** Only of a Pipeline that exists on its own: its labels and annotations go to the run. */
  metadata?: Pick<ObjectMeta, 'labels' | 'annotations'>;
  spec: PipelineSpec;
  /** Where a resolver found it. */
  refSource?: RefSource | undefined;
}

/** The facts, and what was found out beside them. */
export interface InformedFacts extends PipelineRunFacts {
  /** Absent when the run embeds its pipeline or has it stored in its status. */
  pipeline?: Resolved<'Pipeline'> | undefined;
  /** Of a rerun. */
  inheritance?: Inheritance | undefined;
}

/** A claim made from a workspace's volumeClaimTemplate. */
export type ClaimObject = ApiObject<Record<string, unknown>, undefined>;

export type PipelineRunEffect =
  | PatchMetadataEffect
  | { type: 'createPersistentVolumeClaim'; workspace: string; claim: ClaimObject }
  /** An earlier run's claim is to stay as long as this run, too. */
  | { type: 'sharePersistentVolumeClaim'; workspace: string; name: string }
  | {
      type: 'cancelChild';
      kind: ChildKind;
      name: string;
      cause: CancelCause;
      scope: 'run' | 'tasks';
      request: StopRequest;
    }
  /** A pod that keeps a node for the run, as long as it lasts. */
  | { type: 'createNodeHolder'; pod: NewPod }
  | { type: 'deleteNodeHolder'; name: string }
  | { type: 'createChild'; pipelineTask: string; child: NewChild }
  | { type: 'deletePersistentVolumeClaim'; name: string }
  /** Another PipelineRun of the queue makes way. */
  | { type: 'supersede'; name: string; uid: string; status: Superseded['status']; message: string }
  | EventEffect;

/** What planning a PipelineRun may ask for. */
export type PipelineRunNeed = DefinitionNeed<'Task' | 'Pipeline'> | TurnNeed | EarlierPipelineRunNeed | ClaimNeed;

export interface PipelineRunDecision extends Decision<PipelineRunStatus, PipelineRunEffect> {
  /** Something could not be found out: plan again, with back-off, and let it be known. */
  retry?: string;
}
