import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { Graph } from '../graph/graph.ts';
import {
  artifactReplacements,
  indexBeyondEnd,
  missingReferences,
  resultReplacements,
  type RunResults,
} from '../results/values.ts';
import { resultReferences } from '../results/reference.ts';
import { mergeReplacements, Replacements } from '../substitution/replacements.ts';
import { judge, type Verdict } from '../when/when.ts';
import type { Budget } from '../budget.ts';
import { bindingBudget, replaceInShown } from './bind.ts';
import { RunFailure, userError } from './failure.ts';
import { countProduct, countRuns, hasEmptyArray, isMatrixed } from './matrix.ts';
import { ignoresFailure, reasonOf, type SkipReason, type TaskObservation } from './taskstate.ts';
import type { Overdue } from './timeouts.ts';

/** A pipeline task with everything decided about it. */
export interface TaskState extends TaskObservation {
  /** Results replaced as far as they are known; in params and workspaces when TaskRuns are made (`known`). */
  task: PipelineTask;
  known?: Replacements;
  skip?: SkipReason;
  /** It cannot run because a task it needs did not produce a result; the run fails with this text. */
  invalid?: string;
  /** Whether all tasks it waits for are done. */
  ready: boolean;
  /** It has runs to be created now. */
  startable: boolean;
  done: boolean;
}

export interface Assessment {
  /** In the order of the pipeline, finally last. */
  tasks: TaskState[];
  dagDone: boolean;
  /** Every task is done: nothing more will happen. */
  allDone: boolean;
  /** Results of all tasks that are done, successful or not. */
  results: RunResults;
  /** For embedded specs and workspace bindings: whatever results and artifacts exist. */
  replacements: Replacements;
}

/** What besides the tasks decides who may still start. */
export interface Circumstances {
  graph: Graph;
  /** PipelineRun.spec.status */
  requested: string | undefined;
  overdue: Overdue;
  /** Tasks that the status tells as skipped since the run was stopping. They stay so: others have acted on that. */
  leftOut: ReadonlySet<string>;
  /** default-max-matrix-combinations-count */
  mostCombinations: number;
}

/**
 * Decides for every task whether it is done, may start, or is skipped and why. A task whose failure is not ignored, or
 * that has to fail for want of a result, stops the others; that is only known at the end, hence the second round.
 */
export function assess(observed: readonly TaskObservation[], circumstances: Circumstances): Assessment {
  const observations = observed.map((one) => (isTriedAgain(one, circumstances) ? begunAgain(one) : settled(one)));
  const failed = observations.some(
    (one) => one.section === 'tasks' && one.progress === 'failed' && !ignoresFailure(one),
  );
  const first = assessOnce(observations, circumstances, failed);
  const invalid = first.tasks.some((state) => state.invalid !== undefined);
  return invalid && !failed ? assessOnce(observations, circumstances, true, first) : first;
}

/** Like a TaskRun that retries, another attempt is made also when other tasks have failed. */
function isTriedAgain({ again, section }: TaskObservation, { requested, overdue }: Circumstances): boolean {
  return again.size > 0 && !requested && !overdue.pipeline && !overdue[section];
}

function begunAgain(one: TaskObservation): TaskObservation {
  return { ...one, progress: 'running', cancelled: false, cancelledForTimeout: false, results: new Map() };
}

function settled(one: TaskObservation): TaskObservation {
  return one.again.size === 0 ? one : { ...one, again: new Map() };
}

function assessOnce(
  observations: readonly TaskObservation[],
  circumstances: Circumstances,
  stopping: boolean,
  before?: Assessment,
): Assessment {
  const states = new Map<string, TaskState>();
  const byName = new Map(observations.filter((one) => one.section === 'tasks').map((one) => [one.name, one]));
  const results: RunResults = new Map(observations.map((one) => [one.name, one.results]));
  const artifacts = artifactReplacements(observations.filter((one) => one.progress === 'succeeded').map(outputsOf));
  const propagated = mergeReplacements(resultReplacements(results), artifacts);
  const known = mergeReplacements(propagated, matrixLengths(observations, circumstances.mostCombinations));
  const unable = (before?.tasks ?? []).filter(({ name }) => !circumstances.leftOut.has(name));
  const judged = new Map(unable.map((state) => [`${state.section}/${state.name}`, state.invalid]));
  const shown = bindingBudget('what the status of the run shows of its tasks');
  for (const name of circumstances.graph.order) {
    const one = byName.get(name);
    const parents = (circumstances.graph.parents.get(name) ?? []).flatMap((parent) => states.get(parent) ?? []);
    const invalid = judged.get(`tasks/${name}`);
    if (one) states.set(name, assessTask(one, { parents, results, known, stopping, invalid, shown, ...circumstances }));
  }
  const dag = observations.filter((one) => one.section === 'tasks').map((one) => states.get(one.name) as TaskState);
  const dagDone = dag.every((state) => state.done);
  const outcomes = mergeReplacements(known, statusReplacements(dag, dagDone));
  const final = observations
    .filter((one) => one.section === 'finally')
    .map((one) => assessFinal(one, { dagDone, results, outcomes, shown, ...circumstances }));
  const tasks = [...dag, ...final];
  return { tasks, dagDone, allDone: tasks.every((state) => state.done), results, replacements: propagated };
}

function outputsOf({ name, children }: TaskObservation) {
  return { name, runs: children.map(({ object }) => object) };
}

interface Surroundings extends Circumstances {
  parents: readonly TaskState[];
  results: RunResults;
  known: Replacements;
  stopping: boolean;
  invalid: string | undefined;
  /** For what is replaced in tasks, all of them together. */
  shown: Budget;
}

/** A task with results replaced in what is decided by, once they are there. */
function withResults(one: TaskObservation, ready: boolean, known: Replacements, shown: Budget) {
  const task = ready || one.children.length > 0 ? replaceInShown(one.task, known, shown) : one.task;
  return { ...one, task, known, ready, startable: false, done: isOver(one) };
}

function assessTask(one: TaskObservation, around: Surroundings): TaskState {
  const ready = around.parents.every((parent) => parent.done);
  const state: TaskState = withResults(one, ready, around.known, around.shown);
  if (one.again.size > 0) return { ...state, startable: true };
  if (one.progress !== 'notStarted')
    return mayGoOn(state, around) && isPartlyStarted(state, around.mostCombinations)
      ? { ...state, progress: 'running', startable: true, done: false }
      : state;
  if (around.invalid !== undefined) return { ...state, invalid: around.invalid, done: true };
  const skip = skipReason(one, state, around);
  if (skip !== undefined) return { ...state, skip, done: true };
  if (!ready) return state;
  const invalid = missingResult(one, around.results);
  if (invalid !== undefined) return { ...state, invalid, done: true };
  const late = skipWhenLate(state.task, around.overdue, 'tasks');
  return late === undefined ? { ...state, startable: true } : { ...state, skip: late, done: true };
}

function isOver({ progress }: TaskObservation): boolean {
  return progress === 'succeeded' || progress === 'failed';
}

function mayGoOn({ ready }: TaskState, { stopping, requested, overdue }: Surroundings): boolean {
  return ready && !stopping && !requested && !overdue.pipeline && !overdue.tasks;
}

/**
 * A fan-out of which some runs are not created yet (they are too many for one plan, or the controller was killed in
 * between): the rest is still to come.
 */
function isPartlyStarted({ task, latest }: TaskState, most: number): boolean {
  if (task.matrix === undefined || !isMatrixed(task)) return false;
  return latest.length < countProduct(task.matrix) || latest.length < countRuns(task.matrix, most);
}

function hasGuards({ when = [] }: PipelineTask): boolean {
  return when.length > 0;
}

/** Why no task is begun any more, whatever it is. */
function stopReason({ stopping, requested }: Surroundings): SkipReason | undefined {
  if (stopping) return 'PipelineRun was stopping';
  if (requested === 'CancelledRunFinally') return 'PipelineRun was gracefully cancelled';
  return requested === 'StoppedRunFinally' ? 'PipelineRun was gracefully stopped' : undefined;
}

/**
 * The reasons in upstream's order of precedence: guards, then parents, then results. Time comes last: a run that fails
 * for want of a result does so also when its time is up.
 */
function skipReason(one: TaskObservation, { task, ready }: TaskState, around: Surroundings): SkipReason | undefined {
  const stopped = stopReason(around);
  if (stopped !== undefined) return stopped;
  const verdict = ready ? judge(task.when) : undefined;
  if (verdict?.kind === 'fails') return 'When Expressions evaluated to false';
  const skippedParents = around.parents.filter((parent) => parent.skip !== undefined);
  // Guards skip one task, not what merely comes after it; which of both it is, a task with guards knows at the end.
  const isDecided = verdict !== undefined || !hasGuards(task);
  if (isDecided && skippedParents.some((parent) => parent.skip !== 'When Expressions evaluated to false'))
    return 'Parent Tasks were skipped';
  if (verdict === undefined) return undefined;
  const skippedNames = new Set(skippedParents.map((parent) => parent.name));
  const missing = missingReferences(resultReferences(one.task), around.results);
  // Who may fail may also do without: the run goes on. Others make it fail (missingResult).
  if (missing.some((reference) => skippedNames.has(reference.task) || ignoresFailure(one)))
    return 'Results were missing';
  refuseProblem(task, verdict);
  return undefined;
}

/** @throws RunFailure for CEL that has no value: the run could only guess whether the task is wanted */
function refuseProblem(task: PipelineTask, verdict: Verdict): void {
  if (verdict.kind !== 'problem') return;
  throw new RunFailure(
    'CELEvaluationFailed',
    `Error evaluating CEL of task ${task.name ?? ''}: ${userError(`when[${verdict.index}]: ${verdict.text}`)}`,
  );
}

function skipFinal(task: PipelineTask, overdue: Overdue): SkipReason | undefined {
  const verdict = judge(task.when);
  refuseProblem(task, verdict);
  if (verdict.kind === 'fails') return 'When Expressions evaluated to false';
  return skipWhenLate(task, overdue, 'finally');
}

function skipWhenLate(task: PipelineTask, overdue: Overdue, section: 'tasks' | 'finally'): SkipReason | undefined {
  if (overdue.pipeline) return 'PipelineRun timeout has been reached';
  if (section === 'tasks' && overdue.tasks) return 'PipelineRun Tasks timeout has been reached';
  if (section === 'finally' && overdue.finally) return 'PipelineRun Finally timeout has been reached';
  return hasEmptyArray(task) ? 'Matrix Parameters have an empty array' : undefined;
}

/** @throws RunFailure for `$(tasks.a.results.list[9])` when the list is shorter: no other run of it would do better */
function missingResult(one: TaskObservation, results: RunResults): string | undefined {
  const references = resultReferences(one.task);
  const [missing] = missingReferences(references, results);
  if (missing)
    return `Invalid task result reference: Could not find result with name ${missing.result} for task ${missing.task}`;
  const beyond = indexBeyondEnd(references, results);
  if (beyond !== undefined)
    throw new RunFailure(
      'PipelineValidationFailed',
      userError(`pipeline task "${one.name}": couldn't resolve all references: ${beyond}`),
    );
  return undefined;
}

interface FinalSurroundings extends Pick<Circumstances, 'overdue' | 'mostCombinations'> {
  dagDone: boolean;
  results: RunResults;
  outcomes: Replacements;
  shown: Budget;
}

/** Final tasks start together once the others are done; they know how those ended. */
function assessFinal(one: TaskObservation, around: FinalSurroundings): TaskState {
  const { dagDone, results, outcomes, overdue } = around;
  const state: TaskState = withResults(one, dagDone, outcomes, around.shown);
  if (!dagDone) return state;
  if (one.again.size > 0) return { ...state, startable: true };
  if (one.progress !== 'notStarted') {
    const goesOn = !overdue.pipeline && !overdue.finally && isPartlyStarted(state, around.mostCombinations);
    return goesOn ? { ...state, progress: 'running', startable: true, done: false } : state;
  }
  const references = resultReferences(one.task);
  const missing =
    missingReferences(references, results).length > 0 || indexBeyondEnd(references, results) !== undefined;
  const skip = missing ? 'Results were missing' : skipFinal(state.task, overdue);
  return skip === undefined ? { ...state, startable: true } : { ...state, skip, done: true };
}

/** `tasks.<t>.status`, `tasks.<t>.reason` and `tasks.status` (docs/pipelines.md "Using Execution Status"). */
function statusReplacements(dag: readonly TaskState[], dagDone: boolean): Replacements {
  const texts = new Map([['tasks.status', dagDone ? aggregateStatus(dag) : 'None']]);
  for (const state of dag) {
    texts.set(`tasks.${state.name}.status`, statusOf(state));
    texts.set(`tasks.${state.name}.reason`, reasonOf(state));
  }
  return Replacements.ofTexts(texts);
}

function aggregateStatus(dag: readonly TaskState[]): string {
  if (dag.some((state) => state.progress === 'failed' || state.invalid !== undefined)) return 'Failed';
  return dag.some((state) => state.skip !== undefined) ? 'Completed' : 'Succeeded';
}

export function statusOf({ progress }: TaskObservation): 'Succeeded' | 'Failed' | 'None' {
  return progress === 'succeeded' ? 'Succeeded' : progress === 'failed' ? 'Failed' : 'None';
}

/** `tasks.<t>.matrix.length` and `tasks.<t>.matrix.<result>.length` of fanned-out tasks. */
function matrixLengths(observations: readonly TaskObservation[], most: number): Replacements {
  const texts = new Map<string, string>();
  for (const { name, task, latest, results } of observations) {
    if (task.matrix === undefined || !isMatrixed(task)) continue;
    texts.set(`tasks.${name}.matrix.length`, String(latest.length > 0 ? latest.length : countRuns(task.matrix, most)));
    for (const [result, value] of results)
      texts.set(`tasks.${name}.matrix.${result}.length`, String(Array.isArray(value) ? value.length : 1));
  }
  return Replacements.ofTexts(texts);
}
