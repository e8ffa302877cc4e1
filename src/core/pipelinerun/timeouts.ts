import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { DurationError, formatDuration, parseDuration } from '../../duration.ts';
import type { Defaults } from '../../api/config/config-defaults.ts';

/** Time limits of one run in milliseconds; undefined is no limit (upstream: unset, or a duration of 0). */
export interface Timeouts {
  pipeline?: number;
  tasks?: number;
  finally?: number;
}

/**
 * A run that is this many times over its limit is failed before anything else is tried (its status may be too big to
 * write).
 */
const LONG_OVERDUE = 2;

/**
 * The limits of a run. What spec.timeouts leaves out of tasks and finally is the rest of the pipeline's, when both
 * others are given; the pipeline's own default is the operator's (docs/pipelineruns.md "Configuring a failure
 * timeout").
 */
export function timeoutsOf(run: PipelineRun, defaults: Defaults): Timeouts {
  const given = run.spec.timeouts;
  const pipeline = given?.pipeline === undefined ? defaults.timeoutMinutes * 60_000 : parseDuration(given.pipeline);
  return {
    pipeline: pipeline === 0 ? undefined : pipeline,
    tasks: limitOf(given?.tasks, given?.pipeline, given?.finally),
    finally: limitOf(given?.finally, given?.pipeline, given?.tasks),
  };
}

/**
 * As `timeoutsOf`, but a text that is no duration is reported instead of thrown: without limits, the run can still be
 * failed.
 */
export function readTimeouts(
  run: PipelineRun,
  defaults: Defaults,
): { timeouts: Timeouts; problem: string | undefined } {
  try {
    const negative = (['pipeline', 'tasks', 'finally'] as const).find(
      (section) => parseDuration(run.spec.timeouts?.[section] ?? '0s') < 0,
    );
    if (negative)
      return {
        timeouts: {},
        problem: `invalid value: ${run.spec.timeouts?.[negative]} should be >= 0: spec.timeouts.${negative}`,
      };
    return { timeouts: timeoutsOf(run, defaults), problem: undefined };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    return { timeouts: {}, problem: `invalid value: ${error.message}: spec.timeouts; write durations like 1h30m` };
  }
}

/**
 * The explicit duration of a section, or what the pipeline's leaves when the other section has its own. `'0'` is no
 * limit.
 */
function limitOf(own: string | undefined, pipeline: string | undefined, other: string | undefined): number | undefined {
  const ms = sectionTimeout(own, pipeline, other);
  return ms === 0 ? undefined : ms;
}

function sectionTimeout(
  own: string | undefined,
  pipeline: string | undefined,
  other: string | undefined,
): number | undefined {
  if (own !== undefined) return parseDuration(own);
  if (pipeline === undefined || other === undefined) return undefined;
  const [whole, part] = [parseDuration(pipeline), parseDuration(other)];
  return whole === 0 || part === 0 ? undefined : whole - part;
}

/** Which limits have passed at a time. */
export interface Overdue {
  pipeline: boolean;
  tasks: boolean;
  finally: boolean;
  pipelineByFar: boolean;
}

export function overdue(timeouts: Timeouts, status: PipelineRunStatus, now: Date): Overdue {
  const sinceStart = elapsed(status.startTime, now);
  return {
    pipeline: exceeds(sinceStart, timeouts.pipeline),
    tasks: exceeds(sinceStart, timeouts.tasks),
    finally: exceeds(elapsed(status.finallyStartTime, now), timeouts.finally),
    pipelineByFar:
      timeouts.pipeline !== undefined &&
      exceeds(sinceStart, timeouts.pipeline) &&
      (sinceStart ?? 0) >= LONG_OVERDUE * timeouts.pipeline,
  };
}

function elapsed(since: string | undefined, now: Date): number | undefined {
  return since === undefined ? undefined : now.getTime() - new Date(since).getTime();
}

function exceeds(ms: number | undefined, limit: number | undefined): boolean {
  return ms !== undefined && limit !== undefined && ms > limit;
}

/** Milliseconds until the next limit passes, undefined when none is ahead. */
export function untilNextTimeout(timeouts: Timeouts, status: PipelineRunStatus, now: Date): number | undefined {
  const ahead = [
    remaining(timeouts.pipeline, elapsed(status.startTime, now)),
    status.finallyStartTime === undefined ? remaining(timeouts.tasks, elapsed(status.startTime, now)) : undefined,
    remaining(timeouts.finally, elapsed(status.finallyStartTime, now)),
  ].filter((ms) => ms !== undefined);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

/** One millisecond more than what is left, since a limit counts as passed only after it. */
function remaining(limit: number | undefined, ms: number | undefined): number | undefined {
  return limit === undefined || ms === undefined || ms > limit ? undefined : limit - ms + 1;
}

/**
 * spec.timeout of a TaskRun: its own (taskRunSpecs first), else the section's when that is longer than the operator's
 * default or none at all ("0s"), else the default. So a task is not cut short by a default that is smaller than what
 * the run allows.
 */
export function taskRunTimeout(
  run: PipelineRun,
  section: 'tasks' | 'finally',
  own: string | undefined,
  defaults: Defaults,
): string {
  if (own !== undefined) return own;
  const { pipeline, ...sections } = run.spec.timeouts ?? {};
  const ms = sectionTimeout(sections[section], pipeline, sections[section === 'tasks' ? 'finally' : 'tasks']);
  const fallback = defaults.timeoutMinutes * 60_000;
  return formatDuration(ms !== undefined && (ms === 0 || (fallback !== 0 && ms > fallback)) ? ms : fallback);
}

/**
 * timeouts.pipeline of a run within the run: its own, else what its section or the whole of the outer run has. It never
 * outlives that one, which stops it.
 */
export function nestedTimeout(
  run: PipelineRun,
  section: 'tasks' | 'finally',
  own: string | undefined,
  defaults: Defaults,
): string {
  if (own !== undefined) return own;
  const limits = timeoutsOf(run, defaults);
  return formatDuration(limits[section] ?? limits.pipeline ?? 0);
}
