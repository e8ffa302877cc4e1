import type { Condition } from '../../api/meta.ts';
import type { StepState, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition, timestamp } from '../condition.ts';
import { annotations } from '../labels.ts';
import { podName } from '../pod/names.ts';
import type { Pod } from '../pod/types.ts';
import { delayOf } from '../podstatus/delay.ts';
import { pendingState } from '../podstatus/pending.ts';
import { readSidecars, readSteps } from '../podstatus/steps.ts';
import { failed, started, withContainers, type PlanContext } from './context.ts';
import type { TaskRunDecision, TaskRunEffect } from './facts.ts';
import { isOrdinary, reasons } from './reasons.ts';

/** Ends a run before its pod did, and tells what kept it from going on. The pod goes, or is told to stop. */
export function stopRun(context: PlanContext, reason: string, message: string): TaskRunDecision {
  return stop(context, reason, message + trouble(context));
}

/** The same where the message says all there is to say. */
export function stopPod(context: PlanContext, reason: string, message: string): TaskRunDecision {
  return stop(context, reason, message);
}

function stop(context: PlanContext, reason: string, message: string): TaskRunDecision {
  const { pod, now } = context;
  const known = pod === undefined ? started(context) : withReadings(started(context), pod);
  const status = failed(known, reason, message, now);
  return {
    status: { ...status, ...endedSteps(status, reason, now) },
    effects: pod === undefined ? unrecordedPods(context) : [stopEffect(context, pod, reason)],
  };
}

/** What the pod shows now: the stored status may be a moment behind. */
function withReadings(status: TaskRunStatus, pod: Pod): TaskRunStatus {
  const { steps } = readSteps(pod, status.taskSpec ?? {}, false);
  const sidecars = readSidecars(pod);
  const shown = withContainers(
    status,
    steps.length > 0 ? steps : (status.steps ?? []),
    sidecars.length > 0 ? sidecars : (status.sidecars ?? []),
  );
  return { ...shown, podName: pod.metadata.name ?? '' };
}

/** What kept the run from going on, so that its end does not hide it. */
function trouble(context: PlanContext): string {
  const known = lateness(context) ?? notableState(context);
  return known?.message ? `\nPrevious status: [${known.reason ?? ''}] ${known.message}` : '';
}

function lateness({ status, pod, podWarning, now }: PlanContext): Pick<Condition, 'reason' | 'message'> | undefined {
  const message = pod && delayOf(pod, podWarning, now);
  return message === undefined
    ? undefined
    : { reason: succeededCondition(status)?.reason ?? reasons.podPending, message };
}

function notableState({ status, pod }: PlanContext): Pick<Condition, 'reason' | 'message'> | undefined {
  const pending = pod?.status?.phase === 'Pending' ? pendingState(pod) : undefined;
  if (pending?.notable) return pending;
  const condition = succeededCondition(status);
  return isOrdinary(condition?.reason) ? undefined : condition;
}

/** A pod that was made, or looks like it, and was not written down before the run ended: it goes with the run. */
export function unrecordedPods({ facts: { taskRun, pods } }: PlanContext): TaskRunEffect[] {
  return pods
    .filter(({ metadata }) => metadata.name === podName(taskRun) && !metadata.deletionTimestamp)
    .map(({ metadata: { name = '', namespace = '', uid } }) => ({
      type: 'deletePod',
      namespace,
      name,
      ...(uid ? { uid } : {}),
    }));
}

function stopEffect({ facts }: PlanContext, pod: Pod, reason: string): TaskRunEffect {
  const { name = '', namespace = '', uid } = pod.metadata;
  const mayKeep = reason === reasons.cancelled || reason === reasons.timedOut;
  const keep = mayKeep && facts.settings.flags.keepPodOnCancel;
  if (keep)
    return {
      type: 'patchPod',
      namespace,
      name,
      purpose: 'cancel',
      patch: { kind: 'annotation', name: annotations.cancel, value: 'CANCEL' },
    };
  return { type: 'deletePod', namespace, name, ...(uid ? { uid } : {}) };
}

/** Steps that had not ended end with the run (upstream #8293): nobody will read their containers' end any more. */
function endedSteps(status: TaskRunStatus, reason: string, now: Date): Pick<TaskRunStatus, 'steps'> {
  if (!status.steps) return {};
  return {
    steps: status.steps.map((step) => (step.terminated ? step : endedStep(step, status.podName ?? '', reason, now))),
  };
}

function endedStep(step: StepState, pod: string, reason: string, now: Date): StepState {
  const { waiting: _waiting, running, ...rest } = step;
  return {
    ...rest,
    terminated: {
      exitCode: 1,
      reason,
      message: `Step ${step.name ?? ''} terminated as pod ${pod} is terminated`,
      ...(running?.startedAt ? { startedAt: running.startedAt } : {}),
      finishedAt: timestamp(now),
    },
    terminationReason: reason,
  };
}
