import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { formatDuration } from '../../duration.ts';
import type { ConditionState } from '../condition.ts';
import type { Assessment, TaskState } from './assess.ts';
import { ignoresFailure, type SkipReason } from './taskstate.ts';
import type { Overdue, Timeouts } from './timeouts.ts';

/** How many tasks ended how. Every task is counted once. */
interface Counts {
  succeeded: number;
  failed: number;
  ignoredFailures: number;
  cancelled: number;
  invalid: number;
  skipped: number;
  skippedForTimeout: number;
  incomplete: number;
}

const TIMEOUT_SKIPS: ReadonlySet<SkipReason> = new Set<SkipReason>([
  'PipelineRun timeout has been reached',
  'PipelineRun Tasks timeout has been reached',
  'PipelineRun Finally timeout has been reached',
]);

/** Longer lists of validation errors are cut here, as upstream. */
const LONGEST_ERRORS = 1024;

/** The Succeeded condition that the tasks amount to. Texts, counts and their order of precedence are upstream's. */
export function conditionOf(
  run: PipelineRun,
  assessment: Assessment,
  timeouts: Timeouts,
  overdue: Overdue,
): ConditionState {
  const name = run.metadata.name ?? '';
  if (overdue.pipeline) return pipelineTimedOut(name, timeouts);
  const counts = count(assessment.tasks);
  const tasksCut = tasksTimedOut(assessment, overdue);
  if (counts.incomplete > 0)
    return {
      status: 'Unknown',
      reason: runningReason(run, assessment, counts, tasksCut),
      message: runningMessage(counts),
    };
  if (tasksCut) return tasksTimedOutState(name, timeouts);
  return endState(run, assessment, counts);
}

export function pipelineTimedOut(name: string, timeouts: Timeouts): ConditionState {
  return {
    status: 'False',
    reason: 'PipelineRunTimeout',
    message: `PipelineRun "${name}" failed to finish within "${formatDuration(timeouts.pipeline ?? 0)}"`,
  };
}

function tasksTimedOutState(name: string, timeouts: Timeouts): ConditionState {
  const limit = formatDuration(timeouts.tasks ?? 0);
  return {
    status: 'False',
    reason: 'PipelineRunTimeout',
    message: `PipelineRun "${name}" failed due to tasks failed to finish within "${limit}"`,
  };
}

/**
 * The tasks' own limit took effect: something was cut short or not started; passing while only final tasks run is no
 * failure.
 */
function tasksTimedOut({ tasks, dagDone }: Assessment, overdue: Overdue): boolean {
  const dag = tasks.filter((state) => state.section === 'tasks');
  return (
    overdue.tasks &&
    (!dagDone ||
      dag.some((state) => state.cancelledForTimeout || state.skip === 'PipelineRun Tasks timeout has been reached'))
  );
}

function endState(run: PipelineRun, assessment: Assessment, counts: Counts): ConditionState {
  const message = endMessage(assessment.tasks, counts);
  if (counts.invalid > 0) return { status: 'False', reason: 'PipelineValidationFailed', message };
  if (counts.failed > 0 || counts.skippedForTimeout > 0) return { status: 'False', reason: 'Failed', message };
  if (run.spec.status === 'CancelledRunFinally' || run.spec.status === 'StoppedRunFinally') {
    return { status: 'False', reason: 'Cancelled', message: `PipelineRun "${run.metadata.name}" was cancelled` };
  }
  if (counts.cancelled > 0) return { status: 'False', reason: 'Cancelled', message };
  return { status: 'True', reason: counts.skipped > 0 ? 'Completed' : 'Succeeded', message };
}

function endMessage(tasks: readonly TaskState[], counts: Counts): string {
  const ignored = counts.ignoredFailures > 0 ? ` (Ignored: ${counts.ignoredFailures})` : '';
  const failed = counts.failed + counts.ignoredFailures;
  const message = `Tasks Completed: ${completed(counts)} (Failed: ${failed}${ignored}, Cancelled ${counts.cancelled}), Skipped: ${counts.skipped}`;
  if (counts.invalid === 0) return message;
  const errors = tasks
    .flatMap((state) => state.invalid ?? [])
    .join('; ')
    .slice(0, LONGEST_ERRORS);
  return `${message}, Failed Validation: ${counts.invalid} (${errors})`;
}

function runningReason(run: PipelineRun, { tasks, dagDone }: Assessment, counts: Counts, tasksCut: boolean): string {
  if (run.spec.status === 'CancelledRunFinally') return 'CancelledRunningFinally';
  if (run.spec.status === 'StoppedRunFinally') return 'StoppedRunningFinally';
  const final = tasks.filter((state) => state.section === 'finally');
  if (tasksCut && dagDone && final.length > 0) return 'PipelineRunTimeoutRunningFinally';
  const finalDone = final.every((state) => state.done);
  return counts.cancelled > 0 || (counts.failed > 0 && finalDone) ? 'PipelineRunStopping' : 'Running';
}

function runningMessage(counts: Counts): string {
  return `Tasks Completed: ${completed(counts)} (Failed: ${counts.failed}, Cancelled ${counts.cancelled}), Incomplete: ${counts.incomplete}, Skipped: ${counts.skipped}`;
}

function completed(counts: Counts): number {
  return counts.succeeded + counts.failed + counts.cancelled + counts.ignoredFailures;
}

function count(tasks: readonly TaskState[]): Counts {
  const counts: Counts = {
    succeeded: 0,
    failed: 0,
    ignoredFailures: 0,
    cancelled: 0,
    invalid: 0,
    skipped: 0,
    skippedForTimeout: 0,
    incomplete: 0,
  };
  for (const state of tasks) {
    counts[kindOf(state)] += 1;
    if (state.skip !== undefined && TIMEOUT_SKIPS.has(state.skip)) counts.skippedForTimeout += 1;
  }
  return counts;
}

function kindOf(state: TaskState): Exclude<keyof Counts, 'skippedForTimeout'> {
  if (state.progress === 'succeeded') return 'succeeded';
  // A task that this run's time limit cut short has failed; one that a person cancelled is cancelled.
  if (state.cancelledForTimeout) return 'failed';
  if (state.cancelled) return 'cancelled';
  if (state.progress === 'failed') return ignoresFailure(state) ? 'ignoredFailures' : 'failed';
  if (state.invalid !== undefined) return 'invalid';
  return state.skip === undefined ? 'incomplete' : 'skipped';
}
