import type { ApiObject, ObjectMeta } from '../../api/meta.ts';
import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { EventEffect, PatchMetadataEffect } from '../decision.ts';
import type { SpecChange } from '../digest/spec-change.ts';
import type { Settings } from '../settings.ts';

/** The Pipeline that a run refers to, or its own embedded one. */
export interface ResolvedPipeline {
  name: string;
  /** Only of a Pipeline that exists on its own: its labels and annotations go to the run. */
  metadata?: Pick<ObjectMeta, 'labels' | 'annotations'>;
  spec: PipelineSpec;
}

/** The Task that a pipeline task refers to. */
export interface ResolvedTask {
  name: string;
  metadata: Pick<ObjectMeta, 'labels' | 'annotations'>;
  spec: TaskSpec;
}

/** What became of a reference. `message` says why it could not be resolved, as the API server or resolver put it. */
export type Resolution<T> = { kind: 'resolved'; value: T } | { kind: 'failed'; message: string };

/** Everything that was observed about a run; planning reads nothing else. */
export interface PipelineRunFacts {
  /** As it was when the controller began to act on it (`asRecorded`). */
  run: PipelineRun;
  /** Set when its spec was changed since. */
  specChange?: SpecChange;
  /** Absent when the run embeds its pipeline or has it stored in its status. */
  pipeline?: Resolution<ResolvedPipeline>;
  /** By name, for the tasks that `tasksToResolve` asks for. */
  tasks: ReadonlyMap<string, Resolution<ResolvedTask>>;
  /** Every TaskRun whose controller is this run, by uid. */
  taskRuns: readonly TaskRun[];
  settings: Settings;
}

/** A claim made from a workspace's volumeClaimTemplate. */
export type ClaimObject = ApiObject<Record<string, unknown>, undefined>;

/** Why children are cancelled; decides the statusMessage, by which a timeout is told from a cancellation later. */
export type CancelCause = 'cancelled' | 'timedOut' | 'failed';

export type PipelineRunEffect =
  | PatchMetadataEffect
  | { type: 'createPersistentVolumeClaim'; workspace: string; claim: ClaimObject }
  | { type: 'cancelTaskRun'; name: string; cause: CancelCause; scope: 'run' | 'tasks' }
  | { type: 'createTaskRun'; pipelineTask: string; taskRun: TaskRun }
  | { type: 'deletePersistentVolumeClaim'; name: string }
  | EventEffect;

/** Upstream's texts; they are read back to tell a child that timed out from one that was cancelled. */
export const cancelMessages: Readonly<Record<CancelCause, string>> = {
  cancelled: 'TaskRun cancelled as the PipelineRun it belongs to has been cancelled.',
  timedOut: 'TaskRun cancelled as the PipelineRun it belongs to has timed out.',
  failed: 'TaskRun cancelled as the PipelineRun it belongs to has failed.',
};
