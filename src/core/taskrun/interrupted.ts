import { taskRunSpecStatus } from '../../api/pipeline/v1/taskrun.ts';
import { formatDuration } from '../../duration.ts';
import { failureOf } from '../podstatus/failure.ts';
import { isStuck } from '../podstatus/hand-over.ts';
import { startFailure } from '../podstatus/pending.ts';
import { isFinished } from '../podstatus/order.ts';
import { quote } from '../podstatus/quote.ts';
import { withCondition, type AskingPhase, type Phase } from './context.ts';
import { withLastLines } from './last-lines.ts';
import { reasons } from './reasons.ts';
import { stopPod, stopRun } from './stop.ts';
import { timeLeftMs, timeoutMs } from './timeout.ts';

/** spec.status TaskRunCancelled (docs/taskruns.md "Cancelling a TaskRun"). */
export const cancelled: Phase = (context) => {
  const { taskRun } = context.facts;
  if (taskRun.spec.status !== taskRunSpecStatus.cancelled) return undefined;
  return stopRun(
    context,
    reasons.cancelled,
    `TaskRun ${quote(taskRun.metadata.name ?? '')} was cancelled. ${taskRun.spec.statusMessage ?? ''}`,
  );
};

/** spec.status TaskRunPending: nothing is made until the user clears it. A run that has its pod goes on. */
export const heldBack: Phase = (context) => {
  const { facts, status, pod, now } = context;
  if (facts.taskRun.spec.status !== taskRunSpecStatus.pending || pod !== undefined) return undefined;
  const message = `TaskRun ${quote(facts.taskRun.metadata.name ?? '')} is pending`;
  return { status: withCondition(status, { status: 'Unknown', reason: reasons.pending, message }, now), effects: [] };
};

/** The run has used up its time. A pod whose steps have all ended in the meantime counts as what it is. */
export const timedOut: Phase = (context) => {
  const { facts, status, now, pod } = context;
  const left = timeLeftMs(facts.taskRun, status, now);
  if (left === undefined || left > 0 || (pod !== undefined && isFinished(pod))) return undefined;
  const limit = formatDuration(timeoutMs(facts.taskRun));
  return stopRun(
    context,
    reasons.timedOut,
    `TaskRun ${quote(facts.taskRun.metadata.name ?? '')} failed to finish within ${quote(limit)}`,
  );
};

/** A pod that cannot start ends the run at once, or when the operator's patience is over. */
export const cannotStart: Phase = (context) => {
  const { facts, pod, now } = context;
  const found = pod && startFailure(pod, facts.taskRun.metadata.name ?? '', facts.settings.defaults, now);
  return found && 'reason' in found ? stopPod(context, found.reason, found.message) : undefined;
};

/**
 * A step ended and those after it cannot know: the run ends with what that step failed of. Where a breakpoint wants to
 * be met by whoever debugs, nothing is taken away.
 */
export const stuck: AskingPhase = function* (context) {
  const { facts, pod, now } = context;
  const isDebugged = facts.taskRun.spec.debug?.breakpoints?.onFailure !== undefined;
  if (pod === undefined || isDebugged || !isStuck(pod, now)) return undefined;
  const { reason, message } = yield* withLastLines(context, pod, failureOf(pod));
  return stopPod(context, reason, message);
};
