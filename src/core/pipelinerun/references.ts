import type { PipelineResult, PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { referencesIn } from '../../api/variables/scan.ts';
import { parseResultReference, resultReferences, type ResultReference } from '../results/reference.ts';
import { RunFailure, userError } from './failure.ts';
import { taskParamProblem } from './validate.ts';

/** The spec of a pipeline task; undefined while its reference still depends on a result. */
type SpecOf = (task: string) => TaskSpec | undefined;
/** What is wrong with the first of some references that names what is not there. */
type ProblemOf = (references: readonly ResultReference[]) => string | undefined;

/**
 * Checks before the first TaskRun is created, with the specs of all tasks at hand: tasks get the params they declare,
 * results that are referred to exist, optional workspaces only go to tasks that can do without.
 * @throws RunFailure
 */
export function checkReferences(runName: string, spec: PipelineSpec, specOf: SpecOf): void {
  const all = [...(spec.tasks ?? []), ...(spec.finally ?? [])];
  checkParams(runName, all, specOf);
  const names = new Set(all.map((task) => task.name ?? ''));
  const resultsOf = resultNames(specOf);
  const problemOf = (references: readonly ResultReference[]) => firstProblem(references, names, resultsOf);
  checkTaskResults(all, problemOf);
  checkPipelineResults(runName, spec.results ?? [], problemOf);
  checkOptionalWorkspaces(spec, all, specOf);
}

function checkParams(runName: string, tasks: readonly PipelineTask[], specOf: SpecOf): void {
  for (const task of tasks) {
    const problem = taskParamProblem(task, specOf(task.name ?? '')?.params ?? []);
    if (problem)
      throw new RunFailure(
        'PipelineValidationFailed',
        `Validation failed for pipelinerun ${runName} with error ${userError(`invalid input params for task ${task.name}: ${problem.message}`)}`,
      );
  }
}

function checkTaskResults(tasks: readonly PipelineTask[], problemOf: ProblemOf): void {
  for (const task of tasks) {
    const problem = problemOf(resultReferences(task));
    if (problem)
      throw new RunFailure(
        'InvalidTaskResultReference',
        userError(`invalid result reference in pipeline task "${task.name}": ${problem}`),
      );
  }
}

function checkPipelineResults(runName: string, results: readonly PipelineResult[], problemOf: ProblemOf): void {
  for (const { name, value } of results) {
    const problem = problemOf(referencesIn(value).flatMap((text) => parseResultReference(text) ?? []));
    if (problem)
      throw new RunFailure(
        'InvalidPipelineResultReference',
        `Failed to resolve pipeline result reference for "${runName}" with error ${userError(`invalid pipeline result "${name}": ${problem}`)}`,
      );
  }
}

/** Names of a task's results, undefined while its spec is not known. Many references may ask for the same. */
function resultNames(
  specOf: (task: string) => TaskSpec | undefined,
): (task: string) => ReadonlySet<string> | undefined {
  const known = new Map<string, ReadonlySet<string> | undefined>();
  return (task) => {
    if (!known.has(task)) {
      const spec = specOf(task);
      known.set(task, spec && new Set((spec.results ?? []).map((declared) => declared.name)));
    }
    return known.get(task);
  };
}

function firstProblem(
  references: readonly ResultReference[],
  names: ReadonlySet<string>,
  resultsOf: (task: string) => ReadonlySet<string> | undefined,
): string | undefined {
  for (const { task, result } of references) {
    if (!names.has(task)) return `referenced pipeline task "${task}" does not exist`;
    if (resultsOf(task)?.has(result) === false)
      return `"${result}" is not a named result returned by pipeline task "${task}"`;
  }
  return undefined;
}

function checkOptionalWorkspaces(spec: PipelineSpec, tasks: readonly PipelineTask[], specOf: SpecOf): void {
  const optional = new Set(
    (spec.workspaces ?? []).filter((workspace) => workspace.optional).map((workspace) => workspace.name),
  );
  for (const task of tasks) {
    const needed = neededWorkspaces(specOf(task.name ?? ''));
    for (const { name, workspace } of task.workspaces ?? []) {
      if (!optional.has(workspace || name) || !needed.has(name)) continue;
      const problem = `pipeline workspace "${workspace || name}" is marked optional but pipeline task "${task.name}" requires it be provided`;
      throw new RunFailure(
        'RequiredWorkspaceMarkedOptional',
        `Optional workspace not supported by task: ${userError(problem)}`,
      );
    }
  }
}

/** Names of the workspaces that a Task cannot do without. */
function neededWorkspaces(spec: TaskSpec | undefined): ReadonlySet<string> {
  const declared = new Map((spec?.workspaces ?? []).map((one) => [one.name, one]));
  return new Set([...declared.values()].filter((one) => !one.optional).map((one) => one.name));
}
