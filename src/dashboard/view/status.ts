import type { Condition } from '../../api/meta.ts';
import { succeededCondition } from '../../core/condition.ts';
import type { RunStatus } from '../contract.ts';

/** What a run, an attempt of one, or a run of a custom task says of its state. */
export interface HasStatus {
  spec?: unknown;
  status?: { conditions?: Condition[]; startTime?: string } | undefined;
}

/** The one word for a run's state. */
export function statusOf({ spec, status }: HasStatus): RunStatus {
  const condition = succeededCondition(status);
  if (condition?.status === 'True') return 'succeeded';
  if (condition?.status === 'False') return failureOf(condition);
  if (status?.startTime !== undefined) return 'running';
  // The same reason for both: whoever waits in a queue was not held back by its spec.
  return condition?.reason === 'PipelineRunPending' && !isHeldBack(spec) ? 'queued' : 'pending';
}

function isHeldBack(spec: unknown): boolean {
  return (spec as { status?: string } | undefined)?.status === 'PipelineRunPending';
}

/** What a run says of its state, beside the word. */
export function messageOf({ status }: HasStatus): string {
  return succeededCondition(status)?.message ?? '';
}

/** Whether nothing of it changes any more. */
export function isOver(status: RunStatus): boolean {
  return status !== 'pending' && status !== 'queued' && status !== 'running';
}

/** Whether somebody has to look at it: neither well nor under way. */
export function isBad(status: string): boolean {
  return status === 'failed' || status === 'timed-out' || status === 'cancelled';
}

function failureOf({ reason = '' }: Condition): RunStatus {
  // Tekton's own words for it: Cancelled, TaskRunCancelled, CancelledRunFinally, StoppedRunFinally.
  if (/Cancelled|Stopped/.test(reason)) return 'cancelled';
  return /Timeout$/.test(reason) ? 'timed-out' : 'failed';
}
