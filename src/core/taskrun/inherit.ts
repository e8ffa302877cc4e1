import type { TaskRun, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { timestamp } from '../condition.ts';
import type { EventEffect } from '../decision.ts';
import { recordAnnotations } from '../digest/record.ts';
import { formatOrigin, parseSource, type Origin } from '../inheritance/record.ts';
import { compareWork } from '../inheritance/same-work.ts';
import { annotations } from '../labels.ts';
import { ask, type EarlierTaskRunNeed, type Planning } from '../need.ts';
import type { BoundTask } from './bound.ts';
import { storedSpec, withCondition, type PlanContext } from './context.ts';
import { reasons } from './reasons.ts';

/** Whether a TaskRun of a rerun has to run. */
export type Inherited =
  | { kind: 'yes'; earlier: TaskRun; origin: Origin }
  /** With the warning that a user sees who may have expected otherwise. */
  | { kind: 'no'; warning?: EventEffect };

/** Undefined also for a run that has its Task, or was tried already. */
function sourceAsked({ facts, status }: PlanContext): string | undefined {
  if (storedSpec(status) !== undefined || status.retriesStatus !== undefined) return undefined;
  return facts.taskRun.metadata.annotations?.[annotations.inheritFrom];
}

/**
 * Looks for the earlier TaskRun that did the same work, once: before this one's Task is stored, and not for a second
 * attempt.
 */
export function* inherit(context: PlanContext, bound: BoundTask): Planning<Inherited, EarlierTaskRunNeed> {
  const { taskRun, settings } = context.facts;
  const asked = sourceAsked(context);
  if (asked === undefined) return { kind: 'no' };
  const source = parseSource(asked);
  if (source === undefined)
    return refused(`metadata.annotations[${annotations.inheritFrom}]: not of the form "TASKRUN UID": take it out`);
  // A result that SPIRE signed was signed for another TaskRun.
  if (settings.flags.enforceNonfalsifiability !== 'none') return refused('enforce-nonfalsifiability is set');
  const { namespace = '' } = taskRun.metadata;
  const [earlier] = yield* ask([{ type: 'earlierTaskRun' as const, namespace, name: source.taskRun }]);
  const found = compareWork({ taskRun, taskSpec: bound.spec }, earlier, source);
  switch (found.kind) {
    case 'same':
      return earlier === undefined ? { kind: 'no' } : { kind: 'yes', earlier, origin: found.origin };
    case 'undone':
      return { kind: 'no' };
    case 'different':
      return refused(found.why);
    default: {
      const never: never = found;
      return never;
    }
  }
}

function refused(why: string): Inherited {
  const message = `The task runs again: ${why}`;
  return { kind: 'no', warning: { type: 'event', eventType: 'Normal', reason: 'NotTakenOver', message } };
}

/** The status of a TaskRun that has the outcome of an earlier one: what that one's steps did, under its own name. */
export function tookOver(
  status: TaskRunStatus,
  { earlier, origin }: Extract<Inherited, { kind: 'yes' }>,
  now: Date,
): TaskRunStatus {
  const { steps, results, artifacts } = earlier.status ?? {};
  const message = `TaskRun ${origin.taskRun} of PipelineRun ${origin.pipelineRun} did the same before: its results were taken over`;
  const over = withCondition(status, { status: 'True', reason: reasons.succeeded, message }, now);
  return {
    ...over,
    ...(steps ? { steps } : {}),
    ...(results ? { results } : {}),
    ...(artifacts ? { artifacts } : {}),
    completionTime: timestamp(now),
    annotations: { ...over.annotations, [recordAnnotations.inherited]: formatOrigin(origin) },
  };
}
