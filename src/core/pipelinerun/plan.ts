import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { excess, jsonSize, largestObject, tooLarge, TooLargeError } from '../budget.ts';
import { isDone, isFailed, timestamp, withSucceeded } from '../condition.ts';
import type { Decision } from '../decision.ts';
import { lostMessage, specViolations } from '../digest/spec-change.ts';
import { pipelineResults } from '../results/pipeline-results.ts';
import { assess, statusOf, type Assessment, type TaskState } from './assess.ts';
import { boundWorkspaces } from './bind.ts';
import { childReferences, skippedTasks } from './children.ts';
import { conditionOf, pipelineTimedOut } from './condition.ts';
import { Draft, eventsBetween } from './draft.ts';
import { RunFailure, userError } from './failure.ts';
import { countProduct } from './matrix.ts';
import { missingEntries, runMetadata } from './metadata.ts';
import { pipelineOf, type BoundPipeline } from './pipeline.ts';
import { checkReferences } from './references.ts';
import { knownChildren } from './record.ts';
import { assessFreely, takeOver, tasksOf } from './takeover.ts';
import { taskRunContext, taskRunsFor } from './taskrun.ts';
import { observeTasks } from './taskstate.ts';
import { overdue } from './timeouts.ts';
import type { PipelineRunEffect, PipelineRunFacts, ResolvedTask } from './types.ts';
import { nameOf } from './validate.ts';
import { claimsOf } from './workspaces.ts';

export type PipelineRunDecision = Decision<PipelineRunStatus, PipelineRunEffect>;

/**
 * What is to be done about a PipelineRun now: pure, total, and the same answer for the same facts and time. Applying
 * the effects and observing again leads to the end of the run, after which nothing is decided any more.
 */
export function planPipelineRun(facts: PipelineRunFacts, now: Date): PipelineRunDecision {
  if (isDone(facts.run.status)) return { status: facts.run.status ?? {}, effects: stopLeftovers(facts) };
  const problem = excessOf(facts);
  if (problem) return refused(facts, problem, now);
  const children = knownChildren(facts.run, facts.taskRuns);
  const lost =
    children.unknown.length === 0
      ? []
      : takeOver(new Draft({ ...facts, taskRuns: children.own }, now), children.unknown);
  const draft = new Draft({ ...facts, taskRuns: [...children.own, ...lost] }, now);
  if (isHeldBack(draft)) holdBack(draft);
  else {
    start(draft);
    if (draft.run.spec.status === 'Cancelled') cancel(draft);
    else if (overdue(draft.timeouts, draft.status, now).pipelineByFar) timeOut(draft);
    else advance(draft);
  }
  const taken = new Set(lost);
  draft.recordChildren(lost);
  draft.warn(
    [...specViolations(facts.specChange), ...children.violations],
    children.unknown.filter((child) => !taken.has(child)),
  );
  return draft.decision();
}

/** Only before it begins: later the stored pipeline counts, and specs do not change. */
function excessOf({ run, pipeline }: Pick<PipelineRunFacts, 'run' | 'pipeline'>): string | undefined {
  if (run.status?.pipelineSpec !== undefined) return undefined;
  const inRun = excess(run.spec);
  if (inRun) return `spec of PipelineRun ${nameOf(run)} ${inRun}`;
  const inPipeline = pipeline?.kind === 'resolved' ? excess(pipeline.value.spec) : undefined;
  return inPipeline && `spec of Pipeline ${run.spec.pipelineRef?.name ?? ''} ${inPipeline}`;
}

function refused({ run }: PipelineRunFacts, problem: string, now: Date): PipelineRunDecision {
  const message = userError(problem);
  const state = { status: 'False', reason: 'PipelineValidationFailed', message } as const;
  const status: PipelineRunStatus = {
    ...run.status,
    startTime: run.status?.startTime ?? timestamp(now),
    completionTime: timestamp(now),
    conditions: withSucceeded(run.status?.conditions, state, now),
  };
  return { status, effects: eventsBetween(run.status, status) };
}

/**
 * A run that failed while others of its tasks ran (a Task that is gone, a TaskRun that was refused …) leaves none of
 * them behind.
 */
function stopLeftovers({ run, taskRuns }: PipelineRunFacts): PipelineRunEffect[] {
  if (!isFailed(run.status)) return [];
  const running = knownChildren(run, taskRuns).own.filter(
    (child) => !isDone(child.status) && child.spec.status !== 'TaskRunCancelled',
  );
  return running.map((child) => ({
    type: 'cancelTaskRun',
    name: child.metadata.name ?? '',
    cause: 'failed',
    scope: 'tasks',
  }));
}

/** Only a run that has not begun can be held back (upstream's webhook refuses the state later). */
function isHeldBack({ run, status }: Draft): boolean {
  return run.spec.status === 'PipelineRunPending' && status.startTime === undefined;
}

function holdBack(draft: Draft): void {
  draft.mark({ status: 'Unknown', reason: 'PipelineRunPending', message: `PipelineRun "${draft.name}" is pending` });
}

/**
 * The start is never before the creation (clocks differ), nor after the first child, when the status that had it was
 * lost.
 */
function start({ status, run, facts, now }: Draft): void {
  if (status.startTime !== undefined) return;
  const begun = [timestamp(now), run.metadata.creationTimestamp ?? ''].sort().at(-1) ?? '';
  const children = facts.taskRuns.flatMap((child) => child.metadata.creationTimestamp ?? []);
  status.startTime = [begun, ...children].sort()[0] ?? begun;
}

/** Cancelled: the children are asked to stop and the run is over at once; final tasks do not run. */
function cancel(draft: Draft): void {
  draft.cancelChildren(draft.facts.taskRuns, 'cancelled', 'run');
  recoverChildren(draft);
  draft.mark({ status: 'False', reason: 'Cancelled', message: `PipelineRun "${draft.name}" was cancelled` });
}

function timeOut(draft: Draft): void {
  draft.cancelChildren(draft.facts.taskRuns, 'timedOut', 'run');
  recoverChildren(draft);
  draft.mark(pipelineTimedOut(draft.name, draft.timeouts));
}

/** Children that exist but were not written down, because the controller was killed before it could. */
function recoverChildren({ status, run, facts }: Draft): void {
  const known = new Set(status.childReferences?.map((child) => child.name));
  const lost = observeTasks(
    run,
    status.pipelineSpec ?? {},
    facts.taskRuns.filter((child) => !known.has(child.metadata.name)),
  );
  const recovered = childReferences(
    lost.map((one) => ({ ...one, ready: true, startable: false, done: false })),
    new Map(),
  );
  if (recovered.length > 0) status.childReferences = [...(status.childReferences ?? []), ...recovered];
}

function advance(draft: Draft): void {
  try {
    if (draft.status.pipelineSpec === undefined) refuseLostSpec(draft);
    const pipeline = preparePipeline(draft);
    const assessment = assessTasks(draft, pipeline);
    if (assessment.tasks.some((state) => state.startable)) refuseLostSpec(draft);
    const tasks = resolveTasks(draft, pipeline, assessment);
    if (isFirst(draft)) prepareFirstTask(draft, pipeline, tasks);
    stopTasks(draft, assessment);
    const created = startTasks(draft, pipeline, assessment, tasks);
    conclude(draft, pipeline, assessment, created);
  } catch (error) {
    if (error instanceof RunFailure) draft.fail(error.reason, error.message);
    else if (error instanceof TooLargeError) draft.failTooLarge(error.message);
    else throw error;
  }
}

/** TaskRuns are not made from a spec of which the record keeps only a digest; those that run are stopped. */
function refuseLostSpec(draft: Draft): void {
  const { specChange, taskRuns } = draft.facts;
  if (specChange === undefined || specChange.lost.length === 0) return;
  draft.cancelChildren(taskRuns, 'failed', 'tasks');
  throw new RunFailure('PipelineValidationFailed', userError(lostMessage('PipelineRun', specChange)));
}

/** Finds, checks and binds the pipeline; the first time, the run also gets its labels. */
function preparePipeline(draft: Draft): BoundPipeline {
  if (draft.timeoutProblem)
    throw new RunFailure(
      'PipelineValidationFailed',
      `PipelineRun ${nameOf(draft.run)} can't be Run: ${userError(draft.timeoutProblem)}`,
    );
  draft.recordProvenance();
  const pipeline = pipelineOf(draft.facts, draft.run, (spec) => {
    draft.status.pipelineSpec = spec;
  });
  if (pipeline.source !== undefined) {
    checkChildren(pipeline.spec);
    const wanted = runMetadata(draft.run, pipeline.source);
    const labels = missingEntries(wanted.labels, draft.run.metadata.labels);
    const annotations = missingEntries(wanted.annotations, draft.run.metadata.annotations);
    if (Object.keys({ ...labels, ...annotations }).length > 0)
      draft.effects.push({ type: 'patchMetadata', labels, annotations });
  }
  return pipeline;
}

/** The status names every TaskRun: whether that can be stored is known before the first is made. */
function checkChildren({ tasks = [], finally: last = [] }: PipelineSpec): void {
  const all = [...tasks, ...last];
  const count = all.reduce((sum, { matrix }) => sum + countProduct(matrix), 0);
  const size = all.reduce(
    (sum, { name = '', matrix }) => sum + countProduct(matrix) * (leastReference + name.length),
    0,
  );
  if (size > largestObject)
    throw tooLarge(
      `status.childReferences of ${count} TaskRuns`,
      size,
      'split the pipeline, or give its matrices less',
    );
}

/** An entry of childReferences, and of the record of children, without any name in it. */
const leastReference = jsonSize({ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: '', pipelineTaskName: '' }) + 60;

function assessTasks(draft: Draft, { spec, graph }: BoundPipeline): Assessment {
  const observations = observeTasks(draft.run, spec, draft.facts.taskRuns);
  return assess(observations, {
    graph,
    requested: draft.run.spec.status,
    overdue: overdue(draft.timeouts, draft.status, draft.now),
    mostCombinations: draft.facts.settings.defaults.maxMatrixCombinationsCount,
  });
}

/**
 * Names of the Tasks that planning will ask for: of every task before the first TaskRun exists, later of those that may
 * still start. A name that depends on a result is known only when that is.
 */
export function tasksToResolve(facts: Omit<PipelineRunFacts, 'tasks'>, now: Date): string[] {
  if (excessOf(facts)) return [];
  const { own, unknown } = knownChildren(facts.run, facts.taskRuns);
  const draft = new Draft({ ...facts, taskRuns: own, tasks: new Map() }, now);
  if (isDone(facts.run.status) || isHeldBack(draft)) return [];
  try {
    const toCompare = unknown.length === 0 ? [] : namesOf(assessFreely(draft).tasks, tasksOf(unknown));
    if (draft.run.spec.status === 'Cancelled') return toCompare;
    const pipeline = pipelineOf(draft.facts, draft.run, () => {});
    return [...new Set([...namesToResolve(draft, assessTasks(draft, pipeline)), ...toCompare])];
  } catch (error) {
    if (error instanceof RunFailure || error instanceof TooLargeError) return [];
    throw error;
  }
}

function namesToResolve(draft: Draft, { tasks }: Assessment): string[] {
  const open = tasks.filter(
    (state) => isFirst(draft) || state.startable || (state.progress === 'notStarted' && !state.done),
  );
  return namesOf(open);
}

/** The Tasks that tasks refer to, all or those of some. */
function namesOf(states: readonly TaskState[], some?: ReadonlySet<string>): string[] {
  const names = states.flatMap(({ name, task }) => (some?.has(name) === false ? [] : (task.taskRef?.name ?? [])));
  return [...new Set(names.filter((name) => !name.includes('$(')))];
}

function isFirst({ facts }: Draft): boolean {
  return facts.taskRuns.length === 0 && (facts.run.status?.childReferences ?? []).length === 0;
}

function resolveTasks(
  draft: Draft,
  { name }: BoundPipeline,
  assessment: Assessment,
): ReadonlyMap<string, ResolvedTask> {
  const resolved = new Map<string, ResolvedTask>();
  for (const task of namesToResolve(draft, assessment)) {
    const resolution = draft.facts.tasks.get(task) ?? {
      kind: 'failed',
      message: `tasks.tekton.dev "${task}" not found`,
    };
    if (resolution.kind === 'resolved') resolved.set(task, resolution.value);
    else throw taskNotFound(draft.run, name, task, resolution.message);
  }
  return resolved;
}

function taskNotFound(run: PipelineRun, pipeline: string, task: string, why: string): RunFailure {
  return new RunFailure(
    'CouldntGetTask',
    `Pipeline ${run.metadata.namespace}/${pipeline} can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task "${task}": ${why}`,
  );
}

function prepareFirstTask(draft: Draft, { name, spec }: BoundPipeline, tasks: ReadonlyMap<string, ResolvedTask>): void {
  const specs = new Map<string, TaskSpec | undefined>(
    [...(spec.tasks ?? []), ...(spec.finally ?? [])].map((task) => [
      task.name ?? '',
      task.taskSpec ?? tasks.get(task.taskRef?.name ?? '')?.spec,
    ]),
  );
  checkReferences(draft.name, spec, (task) => specs.get(task));
  for (const { workspace, claim } of claimsOf(draft.run, boundWorkspaces(draft.run, name, spec)))
    draft.effects.push({ type: 'createPersistentVolumeClaim', workspace, claim });
}

/**
 * Stops what must not go on: everything when the run timed out, a section when its own time is up, the tasks of a
 * graceful cancellation.
 */
function stopTasks(draft: Draft, assessment: Assessment): void {
  const late = overdue(draft.timeouts, draft.status, draft.now);
  const of = (section: 'tasks' | 'finally') =>
    assessment.tasks.filter((state) => state.section === section).flatMap((state) => state.runs);
  if (late.pipeline) draft.cancelChildren(draft.facts.taskRuns, 'timedOut', 'run');
  else if (late.tasks && draft.status.finallyStartTime === undefined)
    draft.cancelChildren(of('tasks'), 'timedOut', 'tasks');
  else if (draft.run.spec.status === 'CancelledRunFinally') draft.cancelChildren(of('tasks'), 'cancelled', 'tasks');
  if (late.finally && !late.pipeline) draft.cancelChildren(of('finally'), 'timedOut', 'tasks');
}

function startTasks(
  draft: Draft,
  pipeline: BoundPipeline,
  assessment: Assessment,
  tasks: ReadonlyMap<string, ResolvedTask>,
): Map<string, TaskRun[]> {
  const { run } = draft;
  const context = taskRunContext(draft, pipeline, assessment);
  if (assessment.dagDone && (pipeline.spec.finally ?? []).length > 0)
    draft.status.finallyStartTime ??= timestamp(draft.now);
  const created = new Map<string, TaskRun[]>();
  for (const state of assessment.tasks) {
    if (!state.startable) continue;
    const reference = state.task.taskRef?.name;
    const resolved = tasks.get(reference ?? '');
    if (reference !== undefined && resolved === undefined)
      throw taskNotFound(run, pipeline.name, reference, `tasks.tekton.dev "${reference}" not found`);
    if (context.room.isUsedUp) break;
    created.set(state.name, taskRunsFor(state, resolved, context));
  }
  if (context.room.isUsedUp) draft.goOnAtOnce = true;
  for (const [pipelineTask, taskRuns] of created)
    for (const taskRun of taskRuns) draft.effects.push({ type: 'createTaskRun', pipelineTask, taskRun });
  return created;
}

function conclude(
  draft: Draft,
  { spec }: BoundPipeline,
  assessment: Assessment,
  created: ReadonlyMap<string, readonly TaskRun[]>,
): void {
  const { status } = draft;
  const children = childReferences(assessment.tasks, created);
  if (children.length > 0) status.childReferences = children;
  const skipped = skippedTasks(assessment.tasks);
  if (skipped.length > 0) status.skippedTasks = skipped;
  const condition = conditionOf(draft.run, assessment, draft.timeouts, overdue(draft.timeouts, status, draft.now));
  draft.mark(condition);
  if (condition.status === 'Unknown' || (spec.results ?? []).length === 0) return;
  const outcomes = new Map(assessment.tasks.map((state) => [state.name, statusOf(state)]));
  const { results, invalid } = pipelineResults(
    spec.results ?? [],
    assessment.results,
    (name) => outcomes.get(name) === 'Succeeded',
  );
  if (results.length > 0) status.results = results;
  if (invalid.length > 0)
    throw new RunFailure(
      'CouldntGetPipelineResult',
      `Failed to get PipelineResult from TaskRun Results for PipelineRun ${draft.name}: invalid pipelineresults [${invalid.join(' ')}], the referenced results don't exist`,
    );
}
