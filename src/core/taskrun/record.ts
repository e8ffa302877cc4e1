import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { EventEffect } from '../decision.ts';
import { fieldRecord, specRecord } from '../digest/fields.ts';
import { podRecord, readPodRecord, changesSince } from '../digest/pod-record.ts';
import { recordAnnotations, recorded } from '../digest/record.ts';
import { specViolations } from '../digest/spec-change.ts';
import { addViolations, type Violation } from '../digest/violations.ts';
import { isDone } from '../condition.ts';
import type { NewPod, Pod } from '../pod/types.ts';
import type { PlanContext } from './context.ts';
import type { TaskRunDecision } from './facts.ts';

/**
 * The status with the digests of what the run is and of the Task as it is run (hack/decisions/0013). They are written
 * with the status that first has these; a run that another controller began is not recorded.
 */
export function withSpecRecords(taskRun: TaskRun, status: TaskRunStatus): TaskRunStatus {
  const { status: before = {} } = taskRun;
  const isNew = Object.keys(before).length === 0;
  if (!isNew && recorded(before, 'spec') === undefined) return status;
  const isResolved = status.taskSpec !== undefined && recorded(status, 'resolvedSpec') === undefined;
  return withAnnotations(status, {
    ...(isNew ? { [recordAnnotations.spec]: specRecord(taskRun.spec) } : {}),
    ...(isResolved ? { [recordAnnotations.resolvedSpec]: fieldRecord(status.taskSpec ?? {}) } : {}),
  });
}

/** The status with the record of the pod that was made for it. */
export function withPodRecord(status: TaskRunStatus, sent: NewPod, returned: Pod): TaskRunStatus {
  if (recorded(status, 'spec') === undefined) return status;
  return withAnnotations(status, { [recordAnnotations.pod]: podRecord(sent, returned) });
}

/** The status of the next attempt has no pod yet. */
export function withoutPodRecord(status: TaskRunStatus): TaskRunStatus {
  const { [recordAnnotations.pod]: _pod, ...annotations } = status.annotations ?? {};
  return status.annotations === undefined ? status : { ...status, annotations };
}

/**
 * The decision with a note of everything that was changed under the run, and a Warning for each that was not noted
 * before. The outcome of the run stays what its pod says.
 */
export function withViolations(context: PlanContext, decision: TaskRunDecision): TaskRunDecision {
  if (isDone(context.status)) return decision;
  const { text, added } = addViolations(recorded(decision.status, 'violations'), violationsOf(context));
  if (text === undefined || added.length === 0) return decision;
  return {
    ...decision,
    status: withAnnotations(decision.status, { [recordAnnotations.violations]: text }),
    effects: [...decision.effects, ...added.map(warning)],
  };
}

/** Reason of the Warning for a violation. */
export const changedAfterStart = 'ChangedAfterStart';

function warning({ field, message }: Violation): EventEffect {
  return { type: 'event', eventType: 'Warning', reason: changedAfterStart, message: `${field}: ${message}` };
}

function violationsOf({ facts, status, pod }: PlanContext): Violation[] {
  const record = readPodRecord(recorded(status, 'pod'));
  const changes = pod && record ? changesSince(record, pod) : [];
  return [
    ...specViolations(facts.specChange),
    ...changes.map((field) => ({
      field: `pod ${pod?.metadata.name} ${field}`,
      message: 'is not as the pod was created; the run goes on, but is not attested',
    })),
  ];
}

function withAnnotations(status: TaskRunStatus, added: Record<string, string>): TaskRunStatus {
  return Object.keys(added).length === 0 ? status : { ...status, annotations: { ...status.annotations, ...added } };
}
