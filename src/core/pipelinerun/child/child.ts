import type { ObjectMeta } from '../../../api/meta.ts';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../../../api/pipeline/v1beta1/customrun.ts';
import { isDone, isFailed, isSuccessful, succeededCondition } from '../../condition.ts';

/** Kinds of runs that a PipelineRun makes for its tasks. */
export type ChildKind = 'TaskRun' | 'CustomRun' | 'PipelineRun';

/** A run of one of those kinds, as the API server has it. */
export type ChildObject = TaskRun | CustomRun | PipelineRun;

/** One that is to be created. */
export type NewChild = ChildObject & { apiVersion: string; kind: ChildKind };

/** A run that was made for a pipeline task, whatever its kind: all that planning its PipelineRun asks of it. */
export interface Child {
  kind: ChildKind;
  name: string;
  metadata: ObjectMeta;
  object: ChildObject;
  state: 'running' | 'succeeded' | 'failed';
  /** Of its Succeeded condition; empty before it has one. */
  reason: string;
  /** It was asked to stop, and may not have done so yet. */
  isStopping: boolean;
  /** It ended for that. */
  wasCancelled: boolean;
  /** It ended for that, because a time limit of its PipelineRun had passed. */
  wasTimedOut: boolean;
}

interface Traits {
  apiVersion: string;
  /** spec.status that asks it to stop. */
  stop: string;
  /** Reason of its condition once it has. */
  cancelled: string;
  /** Whether its spec has a statusMessage. */
  hasMessage: boolean;
}

export const traits: Readonly<Record<ChildKind, Traits>> = {
  TaskRun: {
    apiVersion: 'tekton.dev/v1',
    stop: 'TaskRunCancelled',
    cancelled: 'TaskRunCancelled',
    hasMessage: true,
  },
  CustomRun: {
    apiVersion: 'tekton.dev/v1beta1',
    stop: 'RunCancelled',
    cancelled: 'CustomRunCancelled',
    hasMessage: true,
  },
  PipelineRun: {
    apiVersion: 'tekton.dev/v1',
    stop: 'Cancelled',
    cancelled: 'Cancelled',
    hasMessage: false,
  },
};

/** Why children are cancelled; decides the statusMessage, by which a timeout is told from a cancellation later. */
export type CancelCause = 'cancelled' | 'timedOut' | 'failed';

const causes: Readonly<Record<CancelCause, string>> = {
  cancelled: 'has been cancelled',
  timedOut: 'has timed out',
  failed: 'has failed',
};

/** Upstream's texts; they are read back to tell a child that timed out from one that was cancelled. */
export function cancelMessage(kind: ChildKind, cause: CancelCause): string {
  return `${kind} cancelled as the PipelineRun it belongs to ${causes[cause]}.`;
}

/** What asks a child to stop, as a JSON patch: that of upstream's controller, since webhooks and clients know it. */
export function cancelPatch(kind: ChildKind, cause: CancelCause): { op: 'add'; path: string; value: string }[] {
  const { stop, hasMessage } = traits[kind];
  return [
    { op: 'add', path: '/spec/status', value: stop },
    ...(hasMessage ? [{ op: 'add', path: '/spec/statusMessage', value: cancelMessage(kind, cause) } as const] : []),
  ];
}

/** An observed run as a child. Lists of the API server leave out the kind, so that it has to be said. */
export function childOf(kind: ChildKind, object: ChildObject): Child {
  const { metadata, spec, status } = object;
  const reason = succeededCondition(status)?.reason ?? '';
  const wasCancelled = isFailed(status) && reason === traits[kind].cancelled;
  const message = 'statusMessage' in spec ? spec.statusMessage : undefined;
  return {
    kind,
    name: metadata.name ?? '',
    metadata,
    object,
    state: !isDone(status) ? 'running' : isSuccessful(status) ? 'succeeded' : 'failed',
    reason,
    isStopping: spec.status === traits[kind].stop,
    wasCancelled,
    wasTimedOut: wasCancelled && message === cancelMessage(kind, 'timedOut'),
  };
}
