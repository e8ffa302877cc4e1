import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { excess, jsonSize, largestObject, tooLarge, TooLargeError } from '../budget.ts';
import { isDone, timestamp, withSucceeded } from '../condition.ts';
import { lostMessage, specViolations } from '../digest/spec-change.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import type { Definition, Resolved } from '../reference/resolved.ts';
import { pipelineResults } from '../results/pipeline-results.ts';
import { assess, statusOf, type Assessment } from './assess.ts';
import { boundWorkspaces } from './bind.ts';
import type { NewChild } from './child/child.ts';
import { isCustomTask } from './child/customrun.ts';
import { childContext, childrenFor } from './child/make.ts';
import { runMetadata, missingEntries } from './child/metadata.ts';
import { childReferences, skippedTasks } from './child/references.ts';
import { conditionOf, pipelineTimedOut } from './condition.ts';
import { askPipeline, askTasks, taskFailure } from './definitions.ts';
import { Draft, eventsBetween } from './draft.ts';
import { RunFailure, userError } from './failure.ts';
import { countProduct } from './matrix.ts';
import { pipelineOf, readable, type BoundPipeline } from './pipeline.ts';
import { checkReferences } from './references.ts';
import { knownChildren } from './record.ts';
import { takeOver } from './takeover.ts';
import { observeTasks } from './taskstate.ts';
import { overdue } from './timeouts.ts';
import type { InformedFacts, PipelineRunDecision, PipelineRunFacts } from './types.ts';
import { nameOf } from './names.ts';
import { claimsOf } from './workspaces.ts';

/**
 * What is to be done about a PipelineRun now: pure, total, and the same answer for the same facts, answers and time.
 * Applying the effects and observing again leads to the end of the run, after which nothing is decided any more.
 */
export function* planPipelineRun(
  observed: PipelineRunFacts,
  now: Date,
): Planning<PipelineRunDecision, DefinitionNeed<'Task' | 'Pipeline'>> {
  if (isDone(observed.run.status)) return { status: observed.run.status ?? {}, effects: [] };
  const facts: InformedFacts = { ...observed };
  const isHeld = isHeldBack(facts.run);
  const tooMuch = excessOfRun(facts);
  if (tooMuch) return refused(facts, tooMuch, now);
  if (!isHeld) facts.pipeline = yield* askPipeline(readable(facts.run));
  const problem = excessOfPipeline(facts);
  if (problem) return refused(facts, problem, now);
  const children = knownChildren(facts.run, facts.children);
  const lost =
    children.unknown.length === 0
      ? []
      : yield* takeOver(new Draft({ ...facts, children: children.own }, now), children.unknown);
  const draft = new Draft({ ...facts, children: [...children.own, ...lost] }, now);
  if (isHeld) holdBack(draft);
  else {
    start(draft);
    if (draft.run.spec.status === 'Cancelled') cancel(draft);
    else if (overdue(draft.timeouts, draft.status, now).pipelineByFar) timeOut(draft);
    else yield* advance(draft);
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
function excessOfRun({ run }: PipelineRunFacts): string | undefined {
  const inRun = run.status?.pipelineSpec === undefined ? excess(run.spec) : undefined;
  return inRun && `spec of PipelineRun ${nameOf(run)} ${inRun}`;
}

function excessOfPipeline({ run, pipeline }: InformedFacts): string | undefined {
  const inPipeline = pipeline?.kind === 'found' ? excess(pipeline.definition.spec) : undefined;
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

/** Only a run that has not begun can be held back (upstream's webhook refuses the state later). */
function isHeldBack({ spec, status }: PipelineRun): boolean {
  return spec.status === 'PipelineRunPending' && status?.startTime === undefined;
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
  const children = facts.children.flatMap((child) => child.metadata.creationTimestamp ?? []);
  status.startTime = [begun, ...children].sort()[0] ?? begun;
}

/** Cancelled: the children are asked to stop and the run is over at once; final tasks do not run. */
function cancel(draft: Draft): void {
  draft.cancelChildren(draft.facts.children, 'cancelled', 'run');
  recoverChildren(draft);
  draft.mark({ status: 'False', reason: 'Cancelled', message: `PipelineRun "${draft.name}" was cancelled` });
}

function timeOut(draft: Draft): void {
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

function* advance(draft: Draft): Planning<void, DefinitionNeed<'Task'>> {
  try {
    if (draft.status.pipelineSpec === undefined) refuseLostSpec(draft);
    const { pipeline: source } = draft.facts;
    if (isAwaited(source)) return wait(draft, 'ResolvingPipelineRef', source);
    const pipeline = preparePipeline(draft);
    const assessment = assessTasks(draft, pipeline);
    if (assessment.tasks.some((state) => state.startable)) refuseLostSpec(draft);
    const awaited = yield* resolveTasks(draft, pipeline, assessment);
    if (!awaited && isFirst(draft)) prepareFirstTask(draft, pipeline);
    stopTasks(draft, assessment);
    if (awaited) return wait(draft, 'ResolvingTaskRef', awaited);
    const created = startTasks(draft, pipeline, assessment);
    conclude(draft, pipeline, assessment, created);
  } catch (error) {
    if (error instanceof RunFailure) draft.fail(error.reason, error.message);
    else if (error instanceof TooLargeError) draft.failTooLarge(error.message);
    else throw error;
  }
}

/** Nothing is made from a spec of which the record keeps only a digest. */
function refuseLostSpec(draft: Draft): void {
  const { specChange } = draft.facts;
  if (specChange === undefined || specChange.lost.length === 0) return;
  throw new RunFailure('PipelineValidationFailed', userError(lostMessage('PipelineRun', specChange)));
}

/** Finds, checks and binds the pipeline; the first time, the run also gets its labels. */
function preparePipeline(draft: Draft): BoundPipeline {
  if (draft.timeoutProblem)
    throw new RunFailure(
      'PipelineValidationFailed',
      `PipelineRun ${nameOf(draft.run)} can't be Run: ${userError(draft.timeoutProblem)}`,
    );
  const { pipeline: source } = draft.facts;
  draft.recordProvenance(source?.kind === 'found' ? source.refSource : undefined);
  if (source) draft.recordVerdicts([source]);
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
  const observations = observeTasks(draft.run, spec, draft.facts.children);
  return assess(observations, {
    graph,
    requested: draft.run.spec.status,
    overdue: overdue(draft.timeouts, draft.status, draft.now),
    mostCombinations: draft.facts.settings.defaults.maxMatrixCombinationsCount,
  });
}

/** Goes no further in this plan: a definition is not there yet. The time of the run passes all the same. */
function wait(draft: Draft, ...awaited: Parameters<Draft['wait']>): void {
  if (overdue(draft.timeouts, draft.status, draft.now).pipeline) timeOut(draft);
  else draft.wait(...awaited);
}

/** A definition that may not be read is no fault of the run: the operator gives the right back, and it goes on. */
function isAwaited<R extends Resolved>(resolved: R | undefined): resolved is Exclude<R, { kind: 'found' }> {
  if (resolved?.kind === 'failed') return resolved.retryable === true || resolved.reason === 'Forbidden';
  return resolved?.kind === 'resolving';
}

/**
 * Asks for the Tasks of every pipeline task before the first TaskRun exists, later of those that may still start.
 * @returns one that has to be waited for @throws RunFailure for one that cannot be had
 */
function* resolveTasks(
  draft: Draft,
  pipeline: BoundPipeline,
  { tasks }: Assessment,
): Planning<Exclude<Resolved, { kind: 'found' }> | undefined, DefinitionNeed<'Task'>> {
  const open = tasks
    .filter((state) => isFirst(draft) || state.startable || (state.progress === 'notStarted' && !state.done))
    .map(({ task }) => task);
  const resolved = yield* askTasks(draft.run, open);
  draft.learn(resolved);
  draft.recordVerdicts([...resolved.values()]);
  for (const task of open) {
    const found = draft.taskOf(task);
    if (found?.kind === 'failed' && !isAwaited(found)) throw taskFailure(draft.run, pipeline, task, found);
  }
  return [...resolved.values()].find((one) => isAwaited(one));
}

function isFirst({ facts }: Draft): boolean {
  return facts.children.length === 0 && (facts.run.status?.childReferences ?? []).length === 0;
}

function prepareFirstTask(draft: Draft, { name, spec }: BoundPipeline): void {
  const specs = new Map<string, TaskSpec | undefined>(
    [...(spec.tasks ?? []), ...(spec.finally ?? [])].map((task) => [
      task.name ?? '',
      isCustomTask(task) ? undefined : (task.taskSpec ?? definitionOf(draft, task)?.spec),
    ]),
  );
  checkReferences(draft.name, spec, (task) => specs.get(task));
  for (const { workspace, claim } of claimsOf(draft.run, boundWorkspaces(draft.run, name, spec)))
    draft.effects.push({ type: 'createPersistentVolumeClaim', workspace, claim });
}

function definitionOf(draft: Draft, task: PipelineTask): Definition<'Task'> | undefined {
  const resolved = draft.taskOf(task);
  return resolved?.kind === 'found' ? resolved.definition : undefined;
}

/**
 * Stops what must not go on: everything when the run timed out, a section when its own time is up, the tasks of a
 * graceful cancellation.
 */
function stopTasks(draft: Draft, assessment: Assessment): void {
  const late = overdue(draft.timeouts, draft.status, draft.now);
  const of = (section: 'tasks' | 'finally') =>
    assessment.tasks.filter((state) => state.section === section).flatMap((state) => state.children);
  if (late.pipeline) draft.cancelChildren(draft.facts.children, 'timedOut', 'run');
  else if (late.tasks && draft.status.finallyStartTime === undefined)
    draft.cancelChildren(of('tasks'), 'timedOut', 'tasks');
  else if (draft.run.spec.status === 'CancelledRunFinally') draft.cancelChildren(of('tasks'), 'cancelled', 'tasks');
  if (late.finally && !late.pipeline) draft.cancelChildren(of('finally'), 'timedOut', 'tasks');
}

function startTasks(draft: Draft, pipeline: BoundPipeline, assessment: Assessment): Map<string, NewChild[]> {
  const { run } = draft;
  const context = childContext(draft, pipeline, assessment);
  if (assessment.dagDone && (pipeline.spec.finally ?? []).length > 0)
    draft.status.finallyStartTime ??= timestamp(draft.now);
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
