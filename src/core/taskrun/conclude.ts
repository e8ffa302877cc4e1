import type { Condition } from '../../api/meta.ts';
import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { isDone, isFailed, succeededCondition, withSucceeded } from '../condition.ts';
import type { EventEffect } from '../decision.ts';
import { resultsVerified } from '../spire/material.ts';
import { withoutPodRecord, withSpecRecords } from './record.ts';
import { isOrdinary, isWorthRetrying, reasons } from './reasons.ts';

/**
 * The last word on every status of a run that was not done: a failed attempt with retries left becomes the next one's
 * beginning (docs/taskruns.md "Specifying Retries").
 */
export function conclude(taskRun: TaskRun, status: TaskRunStatus, now: Date): TaskRunStatus {
  if (isDone(taskRun.status)) return status;
  const attempt = withSpecRecords(taskRun, status);
  return withoutEmptyLists(mayRetry(taskRun, attempt) ? nextAttempt(attempt, now) : attempt);
}

/** As Go's omitempty leaves them out. */
function withoutEmptyLists(status: TaskRunStatus): TaskRunStatus {
  return Object.fromEntries(
    Object.entries(status).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );
}

function mayRetry({ spec }: TaskRun, status: TaskRunStatus): boolean {
  const condition = succeededCondition(status);
  return (
    isFailed(status) &&
    condition?.reason !== reasons.cancelled &&
    isWorthRetrying(condition?.reason) &&
    (status.retriesStatus?.length ?? 0) < (spec.retries ?? 0)
  );
}

function nextAttempt(status: TaskRunStatus, now: Date): TaskRunStatus {
  const { retriesStatus, annotations, ...attempt } = status;
  const { startTime: _start, completionTime: _end, podName: _pod, results: _results, ...kept } = attempt;
  const message = succeededCondition(status)?.message ?? '';
  return withoutPodRecord({
    ...kept,
    ...(annotations ? { annotations } : {}),
    retriesStatus: [...(retriesStatus ?? []), attempt],
    conditions: withSucceeded(
      status.conditions?.filter(({ type }) => type !== resultsVerified),
      { status: 'Unknown', reason: reasons.toBeRetried, message },
      now,
    ),
  });
}

/**
 * Events of a change of condition: Started, the end, and whatever is out of the ordinary in between. Plain Pending and
 * Running have none: they are in the status for whoever looks, and events are API writes.
 */
export function transitionEvents(before: Condition | undefined, after: Condition | undefined): EventEffect[] {
  if (after === undefined || (before?.status === after.status && before.reason === after.reason)) return [];
  const begins = (before === undefined || before.reason === reasons.pending) && after.reason !== reasons.pending;
  return [...(begins ? [event('Normal', 'Started', '')] : []), ...eventsOf(after)];
}

function eventsOf({ status, reason = '', message = '' }: Condition): EventEffect[] {
  if (status === 'True') return [event('Normal', 'Succeeded', message)];
  if (status === 'False') return [event('Warning', 'Failed', message)];
  return isOrdinary(reason)
    ? []
    : [event(reason === reasons.exceededNodeResources ? 'Warning' : 'Normal', reason, message)];
}

function event(eventType: EventEffect['eventType'], reason: string, message: string): EventEffect {
  return { type: 'event', eventType, reason, message };
}
