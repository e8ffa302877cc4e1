import type { TaskRun, TaskRunSpec, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { parseDuration } from '../../duration.ts';

/**
 * The spec without a timeout that is no duration: that counts as unset. The webhook refuses such a value; a run that
 * came in without it must end all the same.
 */
export function withReadableTimeout(spec: TaskRunSpec): TaskRunSpec {
  if (spec.timeout === undefined || readDuration(spec.timeout) !== undefined) return spec;
  const { timeout: _unreadable, ...rest } = spec;
  return rest;
}

/** The timeout of a run with defaults in milliseconds; 0 for none. */
export function timeoutMs({ spec }: TaskRun): number {
  return Math.max(0, readDuration(spec.timeout ?? '') ?? 0);
}

/** Milliseconds until the run times out, negative when it has; undefined when it has not started or has no timeout. */
export function timeLeftMs(taskRun: TaskRun, status: TaskRunStatus, now: Date): number | undefined {
  const limit = timeoutMs(taskRun);
  const started = Date.parse(status.startTime ?? '');
  return limit === 0 || Number.isNaN(started) ? undefined : started + limit - now.getTime();
}

/** Milliseconds; undefined for what is no duration. */
function readDuration(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
