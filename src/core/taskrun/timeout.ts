import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { parseDuration } from '../../duration.ts';
import type { Settings } from '../settings.ts';

/**
 * The run's timeout in milliseconds: its own, else the operator's default; 0 for none. A text that is no duration
 * counts as unset.
 */
export function timeoutMs(taskRun: TaskRun, settings: Settings): number {
  const fallback = settings.defaults.timeoutMinutes * 60_000;
  if (!taskRun.spec.timeout) return fallback;
  try {
    return Math.max(0, parseDuration(taskRun.spec.timeout));
  } catch {
    // The webhook refuses such a value; a run that came in without it must end all the same.
    return fallback;
  }
}

/** Milliseconds until the run times out, negative when it has; undefined when it has not started or has no timeout. */
export function timeLeftMs(taskRun: TaskRun, status: TaskRunStatus, settings: Settings, now: Date): number | undefined {
  const limit = timeoutMs(taskRun, settings);
  const started = Date.parse(status.startTime ?? '');
  return limit === 0 || Number.isNaN(started) ? undefined : started + limit - now.getTime();
}
