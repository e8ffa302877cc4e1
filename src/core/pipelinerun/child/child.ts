import type { ObjectMeta } from '../../../api/meta.ts';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../../../api/pipeline/v1beta1/customrun.ts';
import { isDone, isFailed, isSuccessful, succeededCondition } from '../../condition.ts';
import { annotations } from '../../labels.ts';

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
  /** spec.status: what it was asked for, if anything. */
  requested: string;
  /** It ended for that. */
  wasCancelled: boolean;
  /** It ended for that, because a time limit of its PipelineRun had passed. */
  wasTimedOut: boolean;
}

interface Traits {
  apiVersion: string;
  /** spec.status that asks it to stop. */
  stop: string;
  /** spec.status that asks for less than that; what is absent it cannot do, or does anyway. */
  gentle: Partial<Record<StopRequest, string>>;
  /** Reason of its condition once it has. */
  cancelled: string;
  /** Whether its spec has a statusMessage; the others are told in an annotation. */
  hasMessage: boolean;
}

/**
 * What a run asks of its children: to stop at once; to stop its tasks and to run its final ones; to begin no more
 * tasks. In the order of their force.
 */
export const stopRequests = ['beginNoMore', 'stopTasks', 'stop'] as const;
export type StopRequest = (typeof stopRequests)[number];

export const traits: Readonly<Record<ChildKind, Traits>> = {
  TaskRun: {
    apiVersion: 'tekton.dev/v1',
    stop: 'TaskRunCancelled',
    gentle: { stopTasks: 'TaskRunCancelled' },
    cancelled: 'TaskRunCancelled',
    hasMessage: true,
  },
  CustomRun: {
    apiVersion: 'tekton.dev/v1beta1',
    stop: 'RunCancelled',
    gentle: { stopTasks: 'RunCancelled' },
    cancelled: 'CustomRunCancelled',
    hasMessage: true,
  },
  PipelineRun: {
    apiVersion: 'tekton.dev/v1',
    stop: 'Cancelled',
    gentle: { stopTasks: 'CancelledRunFinally', beginNoMore: 'StoppedRunFinally' },
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

/** The spec.status that asks a child of some kind for this; undefined when such a child has nothing to do for it. */
export function requestOf(kind: ChildKind, request: StopRequest): string | undefined {
  return request === 'stop' ? traits[kind].stop : traits[kind].gentle[request];
}

/** Whether a child was already asked for this or for more. */
export function wasAsked({ kind, requested }: Pick<Child, 'kind' | 'requested'>, request: StopRequest): boolean {
  const enough = stopRequests.slice(stopRequests.indexOf(request));
  return enough.some((one) => requestOf(kind, one) === requested);
}

export type StopPatch =
  | { type: 'json'; body: { op: 'add'; path: string; value: string }[] }
  | { type: 'merge'; body: { metadata: { annotations: Record<string, string> }; spec: { status: string } } };

/**
 * What asks a child to stop: of TaskRuns and CustomRuns upstream's JSON patch, since webhooks and clients know it. A
 * PipelineRun has no statusMessage: the reason stands in an annotation.
 */
export function stopPatch(kind: ChildKind, cause: CancelCause, request: StopRequest): StopPatch {
  const status = requestOf(kind, request) ?? traits[kind].stop;
  const message = cancelMessage(kind, cause);
  if (!traits[kind].hasMessage)
    return {
      type: 'merge',
      body: { metadata: { annotations: { [annotations.statusMessage]: message } }, spec: { status } },
    };
  return {
    type: 'json',
    body: [
      { op: 'add', path: '/spec/status', value: status },
      { op: 'add', path: '/spec/statusMessage', value: message },
    ],
  };
}

/** An observed run as a child. Lists of the API server leave out the kind, so that it has to be said. */
export function childOf(kind: ChildKind, object: ChildObject): Child {
  const { metadata, spec, status } = object;
  const reason = succeededCondition(status)?.reason ?? '';
  const wasCancelled = isFailed(status) && reason === traits[kind].cancelled;
  const message = 'statusMessage' in spec ? spec.statusMessage : metadata.annotations?.[annotations.statusMessage];
  return {
    kind,
    name: metadata.name ?? '',
    metadata,
    object,
    state: stateOf(object),
    reason,
    isStopping: spec.status === traits[kind].stop,
    requested: spec.status ?? '',
    wasCancelled,
    wasTimedOut: wasCancelled && message === cancelMessage(kind, 'timedOut'),
  };
}

function stateOf({ status }: ChildObject): Child['state'] {
  if (!isDone(status)) return 'running';
  return isSuccessful(status) ? 'succeeded' : 'failed';
}
