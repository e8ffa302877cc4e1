import { overdue } from './timeouts.ts';
import { RunFailure } from './failure.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { annotations } from '../labels.ts';
import type { Assessment, TaskState } from './assess.ts';
import { childReferences } from './child/references.ts';
import { pipelineTimedOut } from './condition.ts';
import type { Draft } from './draft.ts';
import { pipelineOf } from './pipeline.ts';
import { ignoresFailure, observeTasks } from './taskstate.ts';

/** Cancelled: the children are asked to stop and the run is over at once; final tasks do not run. */
export function cancel(draft: Draft): void {
  draft.cancelChildren(draft.facts.children, 'cancelled', 'run');
  recoverChildren(draft);
  draft.mark({ status: 'False', reason: 'Cancelled', message: `PipelineRun "${draft.name}" was cancelled` });
}

export function timeOut(draft: Draft): void {
  draft.cancelChildren(draft.facts.children, 'timedOut', 'run');
  recoverChildren(draft);
  draft.mark(pipelineTimedOut(draft.name, draft.timeouts));
}

/** Children that exist but were not written down, because the controller was killed before it could. */
function recoverChildren(draft: Draft): void {
  const { status, run, facts } = draft;
  if (facts.children.length > 0 && status.pipelineSpec === undefined) recoverPipeline(draft);
  const known = new Set(status.childReferences?.map((child) => child.name));
  const lost = observeTasks(
    run,
    status.pipelineSpec ?? {},
    facts.children.filter((child) => !known.has(child.name)),
  );
  const recovered = childReferences(
    lost.map((one) => ({ ...one, ready: true, startable: false, done: false })),
    new Map(),
  );
  if (recovered.length > 0) status.childReferences = [...(status.childReferences ?? []), ...recovered];
}

/** The pipeline that they were made from, which was to be written with them. */
function recoverPipeline({ status, run, facts }: Draft): void {
  try {
    status.pipelineSpec = pipelineOf(facts, run, () => {}).spec;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
  }
}

/**
 * Stops what must not go on: everything when the run timed out, a section when its own time is up, the tasks of a
 * graceful cancellation.
 */
export function stopTasks(draft: Draft, assessment: Assessment): void {
  const late = overdue(draft.timeouts, draft.status, draft.now);
  const of = (section: 'tasks' | 'finally') =>
    assessment.tasks.filter((state) => state.section === section).flatMap((state) => state.children);
  if (late.pipeline) draft.cancelChildren(draft.facts.children, 'timedOut', 'run');
  else if (late.tasks && draft.status.finallyStartTime === undefined)
    draft.cancelChildren(of('tasks'), 'timedOut', 'tasks');
  else if (draft.run.spec.status === 'CancelledRunFinally')
    draft.cancelChildren(of('tasks'), 'cancelled', 'tasks', 'stopTasks');
  else if (draft.run.spec.status === 'StoppedRunFinally')
    draft.cancelChildren(of('tasks'), 'cancelled', 'tasks', 'beginNoMore');
  else if (failsFast(draft.run) && assessment.tasks.some(isFatal))
    draft.cancelChildren(of('tasks'), 'failed', 'tasks', 'stopTasks');
  if (late.finally && !late.pipeline) draft.cancelChildren(of('finally'), 'timedOut', 'tasks');
}

/** A task that has failed, or cannot run, and is to take the run with it. */
function isFatal(state: TaskState): boolean {
  const failed = state.progress === 'failed' && !ignoresFailure(state);
  return state.section === 'tasks' && (failed || state.invalid !== undefined);
}

/** Whether the first task that fails stops the others (TEP-0158); final tasks run all the same. */
function failsFast({ metadata }: PipelineRun): boolean {
  return metadata.annotations?.[annotations.failFast] === 'true';
}
