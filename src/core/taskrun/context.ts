import { defaultTaskRunSpec } from '../../api/pipeline/v1/defaults.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { SidecarState, StepState, TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { definedOnly } from '../../optional.ts';
import { timestamp, withSucceeded, type ConditionState } from '../condition.ts';
import { readPodRecord } from '../digest/pod-record.ts';
import { recorded } from '../digest/record.ts';
import type { Pod } from '../pod/types.ts';
import type { Planning } from '../need.ts';
import type { TaskRunDecision, TaskRunFacts } from './facts.ts';
import { withReadableTimeout } from './timeout.ts';

/** What the phases share: facts, the time, and the status as it is so far. */
export interface PlanContext {
  /** With a run that has all defaults: no phase asks the settings for one. */
  facts: TaskRunFacts;
  /** The run as the API server has it. */
  given: TaskRun;
  now: Date;
  status: TaskRunStatus;
  /** The pod of the current attempt. */
  pod: Pod | undefined;
  /** The last warning about it, when its steps should have begun by now. */
  podWarning?: string | undefined;
}

/** One step of the plan: decides the run's fate, or leaves it to the next. */
export type Phase = (context: PlanContext) => TaskRunDecision | undefined;

/** A phase that has to find something out first. */
export type AskingPhase = (context: PlanContext) => Planning<TaskRunDecision | undefined>;

export function planContext(facts: TaskRunFacts, now: Date): PlanContext {
  const { taskRun, settings } = facts;
  const spec = defaultTaskRunSpec(withReadableTimeout(taskRun.spec), settings.defaults);
  const planned = { ...facts, taskRun: { ...taskRun, spec } };
  return { facts: planned, given: taskRun, now, status: taskRun.status ?? {}, pod: currentPod(facts) };
}

/**
 * The pod that is recorded, by its uid. Any other, whatever it is called and whoever it says it belongs to, was not
 * made for this run, or not written down yet: that is decided when the run's own is about to be made. Runs that were
 * begun by a release without records have theirs by name.
 */
function currentPod({ taskRun, pods }: TaskRunFacts): Pod | undefined {
  const { status = {} } = taskRun;
  const record = readPodRecord(recorded(status, 'pod'));
  if (record) return pods.find((pod) => pod.metadata.uid === record.uid);
  if (!status.podName || recorded(status, 'spec') !== undefined) return undefined;
  return pods.find((pod) => pod.metadata.name === status.podName);
}

/** The Task as this run has it: once stored in the status it is not looked up again. */
export function storedSpec(status: TaskRunStatus): TaskSpec | undefined {
  return status.taskSpec;
}

export function withCondition(status: TaskRunStatus, state: ConditionState, now: Date): TaskRunStatus {
  return { ...status, conditions: withSucceeded(status.conditions, state, now) };
}

/**
 * The status with what its pod's containers show; without fields for none, as upstream writes it. Where a step's
 * StepAction came from no container shows: that stays.
 */
export function withContainers(status: TaskRunStatus, steps: StepState[], sidecars: SidecarState[]): TaskRunStatus {
  const { steps: before = [], sidecars: _sidecars, ...rest } = status;
  const origins = new Map(before.flatMap(({ name, provenance }) => (provenance ? [[name, provenance] as const] : [])));
  const states = steps.map((step): StepState => {
    const provenance = origins.get(step.name);
    return provenance ? { ...step, provenance } : step;
  });
  return { ...rest, ...(states.length > 0 ? { steps: states } : {}), ...(sidecars.length > 0 ? { sidecars } : {}) };
}

/** The status of a run that ended badly. */
export function failed(status: TaskRunStatus, reason: string, message: string, now: Date): TaskRunStatus {
  return { ...withCondition(status, { status: 'False', reason, message }, now), completionTime: timestamp(now) };
}

/** What a status cannot do without. */
export function leastStatus(status: TaskRunStatus): TaskRunStatus {
  const { conditions, startTime, completionTime, podName: pod, annotations } = status;
  return definedOnly({ conditions, startTime, completionTime, podName: pod, annotations });
}

/** Started now, or when it was created if this node's clock is behind. Does nothing to a run that has started. */
export function started(context: PlanContext): TaskRunStatus {
  const { status, facts, now } = context;
  if (status.startTime) return status;
  const created = Date.parse(facts.taskRun.metadata.creationTimestamp ?? '');
  return {
    ...status,
    startTime: timestamp(Number.isNaN(created) || created <= now.getTime() ? now : new Date(created)),
  };
}
