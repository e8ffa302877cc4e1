import type { ObjectMeta, RefSource } from '../../api/meta.ts';
import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { StepActionSpec } from '../../api/pipeline/v1beta1/stepaction.ts';
import type { DefinitionKind } from './reference.ts';

/** What each kind of definition says, in the version that runs are planned with. */
export interface DefinitionSpecs {
  Task: TaskSpec;
  Pipeline: PipelineSpec;
  StepAction: StepActionSpec;
}

/** A Task, Pipeline or StepAction, wherever it was found. */
export interface Definition<K extends DefinitionKind = DefinitionKind> {
  name: string;
  metadata: Pick<ObjectMeta, 'labels' | 'annotations'>;
  spec: DefinitionSpecs[K];
}

/** What the policies for trusted resources said of a definition that may be run; none applied when it is not there. */
export type Verdict =
  /** Its signature is good. */
  | { kind: 'passed' }
  /** It is not, or there is none, and the policy only warns. */
  | { kind: 'warned'; message: string };

/** Why a definition cannot be had; each kind of run has its own reason and words for it. */
export type ResolutionFailure =
  | 'NotFound'
  | 'Forbidden'
  /** The reference itself cannot be followed. */
  | 'Invalid'
  /** Nobody here resolves such references. */
  | 'Unsupported'
  /** Its resolver gave up, or what it fetched is no valid definition. */
  | 'Failed'
  /** A policy for trusted resources refuses it. */
  | 'Untrusted';

/** What became of a reference. */
export type Resolved<K extends DefinitionKind = DefinitionKind> =
  | { kind: 'found'; definition: Definition<K>; refSource?: RefSource; verdict?: Verdict }
  /** The ResolutionRequest of that name is under way; whoever answers it has the run reconciled again. */
  | { kind: 'resolving'; request: string }
  /** `retryable`: asking again may help. */
  | { kind: 'failed'; reason: ResolutionFailure; message: string; retryable?: boolean };

/** Upstream's words while a resolver is at work. */
export function awaitingRemote(kind: 'TaskRun' | 'PipelineRun', namespace: string, name: string): string {
  return `${kind} ${namespace}/${name} awaiting remote resource`;
}
