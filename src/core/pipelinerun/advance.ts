import type { PipelineResult, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { TooLargeError } from '../budget.ts';
import { timestamp } from '../condition.ts';
import type { EventEffect } from '../decision.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import type { Definition } from '../reference/resolved.ts';
import { pipelineResults } from '../results/pipeline-results.ts';
import { assess, statusOf, type Assessment } from './assess.ts';
import type { NewChild } from './child/child.ts';
import { isCustomTask } from './child/customrun.ts';
import { childContext, childrenFor } from './child/make.ts';
import { childReferences, skippedTasks } from './child/references.ts';
import { conditionOf } from './condition.ts';
import { taskFailure } from './definitions.ts';
import type { Draft } from './draft.ts';
import { resultValidationFailed, RunFailure } from './failure.ts';
import type { BoundPipeline } from './pipeline.ts';
import {
  definitionOf,
  isAwaited,
  isFirst,
  prepareFirstTask,
  preparePipeline,
  refuseLostSpec,
  resolveTasks,
} from './prepare.ts';
import { stopTasks, timeOut } from './stop.ts';
import { observeTasks } from './taskstate.ts';
import { overdue } from './timeouts.ts';

/** Takes a run as far as it goes now: its pipeline is found and checked, tasks that may start do, the end is told. */
export function* advance(draft: Draft): Planning<void, DefinitionNeed<'Task'>> {
  try {
    yield* goOn(draft);
  } catch (error) {
    if (error instanceof RunFailure) draft.fail(error.reason, error.message);
    else if (error instanceof TooLargeError) draft.failTooLarge(error.message);
    else throw error;
  }
}

/** @throws RunFailure and TooLargeError, which end the run */
function* goOn(draft: Draft): Planning<void, DefinitionNeed<'Task'>> {
  if (draft.status.pipelineSpec === undefined) refuseLostSpec(draft);
  const { pipeline: source } = draft.facts;
  if (isAwaited(source)) return wait(draft, 'ResolvingPipelineRef', source);
  const pipeline = preparePipeline(draft);
  const assessment = assessTasks(draft, pipeline);
  if (assessment.tasks.some((state) => state.startable)) refuseLostSpec(draft);
  const awaited = yield* resolveTasks(draft, pipeline, assessment);
  if (!awaited && isFirst(draft)) prepareFirstTask(draft, pipeline);
  stopTasks(draft, assessment);
  if (awaited) {
    if (pipeline.source && draft.facts.settings.flags.enableParamEnum) draft.findPipelineAgain();
    return wait(draft, 'ResolvingTaskRef', awaited);
  }
  const created = startTasks(draft, pipeline, assessment);
  conclude(draft, pipeline, assessment, created);
}

function assessTasks(draft: Draft, { spec, graph }: BoundPipeline): Assessment {
  const observations = observeTasks(draft.run, spec, draft.facts.children);
  return assess(observations, {
    graph,
    requested: draft.run.spec.status,
    overdue: overdue(draft.timeouts, draft.status, draft.now),
    leftOut: new Set(
      (draft.status.skippedTasks ?? []).flatMap(({ name, reason }) =>
        reason === 'PipelineRun was stopping' ? [name] : [],
      ),
    ),
    mostCombinations: draft.facts.settings.defaults.maxMatrixCombinationsCount,
  });
}

/** Goes no further in this plan: a definition is not there yet. The time of the run passes all the same. */
function wait(draft: Draft, ...awaited: Parameters<Draft['wait']>): void {
  if (overdue(draft.timeouts, draft.status, draft.now).pipeline) timeOut(draft);
  else draft.wait(...awaited);
}

function startTasks(draft: Draft, pipeline: BoundPipeline, assessment: Assessment): Map<string, NewChild[]> {
  const { run } = draft;
  const context = childContext(draft, pipeline, assessment);
  if (assessment.dagDone) startFinally(draft, pipeline);
  const created = new Map<string, NewChild[]>();
  for (const state of assessment.tasks) {
    if (!state.startable) continue;
    const resolved = definitionOf(draft, state.task);
    if (isUnasked(state.task, resolved)) throw unasked(run, pipeline, state.task);
    if (context.room.isUsedUp) break;
    created.set(state.name, childrenFor(state, resolved, context));
  }
  if (context.room.isUsedUp) draft.goOnAtOnce = true;
  for (const [pipelineTask, children] of created)
    for (const child of children) draft.effects.push({ type: 'createChild', pipelineTask, child });
  return created;
}

/** From here on the time of the final tasks counts. */
function startFinally({ status, now }: Draft, { spec }: BoundPipeline): void {
  if ((spec.finally ?? []).length > 0) status.finallyStartTime ??= timestamp(now);
}

function isUnasked(task: PipelineTask, resolved: Definition<'Task'> | undefined): boolean {
  return task.taskRef !== undefined && !isCustomTask(task) && resolved === undefined;
}

/** Its reference still has a variable in it, which nothing will replace. */
function unasked(run: PipelineRun, pipeline: BoundPipeline, task: PipelineTask): RunFailure {
  const message = `tasks.tekton.dev "${task.taskRef?.name ?? ''}" not found`;
  return taskFailure(run, pipeline, task, { kind: 'failed', reason: 'NotFound', message });
}

function conclude(
  draft: Draft,
  { spec }: BoundPipeline,
  assessment: Assessment,
  created: ReadonlyMap<string, readonly NewChild[]>,
): void {
  const { status } = draft;
  const children = childReferences(assessment.tasks, created, draft.run.status?.childReferences);
  if (children.length > 0) status.childReferences = children;
  const skipped = skippedTasks(assessment.tasks);
  if (skipped.length > 0) status.skippedTasks = skipped;
  const condition = conditionOf(draft.run, assessment, draft.timeouts, overdue(draft.timeouts, status, draft.now));
  draft.mark(condition);
  if (condition.status === 'False') draft.effects.push(...lackingResults(assessment));
  if (condition.status !== 'Unknown') tellResults(draft, spec.results ?? [], assessment);
}

/** @throws RunFailure for results that come from results which are not there */
function tellResults({ name, status }: Draft, declared: readonly PipelineResult[], assessment: Assessment): void {
  if (declared.length === 0) return;
  const outcomes = new Map(assessment.tasks.map((state) => [state.name, statusOf(state)]));
  const { results, invalid } = pipelineResults(
    declared,
    assessment.results,
    (task) => outcomes.get(task) === 'Succeeded',
  );
  if (results.length > 0) status.results = results;
  if (invalid.length > 0)
    throw new RunFailure(
      'CouldntGetPipelineResult',
      `Failed to get PipelineResult from TaskRun Results for PipelineRun ${name}: invalid pipelineresults [${invalid.join(' ')}], the referenced results don't exist`,
    );
}

/** Upstream's event for each task that could not run since another did not produce its result. */
function lackingResults({ tasks }: Assessment): EventEffect[] {
  return tasks.flatMap(({ name, invalid }) => {
    const message = `Task "${name}" failed result validation: ${invalid}`;
    return invalid === undefined
      ? []
      : [{ type: 'event', eventType: 'Warning', reason: resultValidationFailed, message } as const];
  });
}
