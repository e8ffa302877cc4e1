import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { referencesIn } from '../../api/variables/scan.ts';
import { parseResultReference, resultReferences, type ResultReference } from '../results/reference.ts';
import { RunFailure, userError } from './failure.ts';
import { taskParamProblem } from './validate.ts';

/**
 * Checks before the first TaskRun is created, with the specs of all tasks at hand: tasks get the params they declare,
 * results that are referred to exist, optional workspaces only go to tasks that can do without.
 * @param specOf the spec of a pipeline task; undefined while its reference still depends on a result
 * @throws RunFailure
 */
export function checkReferences(
  runName: string,
  spec: PipelineSpec,
  specOf: (task: string) => TaskSpec | undefined,
): void {
  const all = [...(spec.tasks ?? []), ...(spec.finally ?? [])];
  const names = new Set(all.map((task) => task.name ?? ''));
  const resultsOf = resultNames(specOf);
  for (const task of all) {
    const problem = taskParamProblem(task, specOf(task.name ?? '')?.params ?? []);
    if (problem)
      throw new RunFailure(
        'PipelineValidationFailed',
        `Validation failed for pipelinerun ${runName} with error ${userError(`invalid input params for task ${task.name}: ${problem.message}`)}`,
      );
  }
  for (const task of all) {
    const problem = firstProblem(resultReferences(task), names, resultsOf);
    if (problem)
      throw new RunFailure(
        'InvalidTaskResultReference',
        userError(`invalid result reference in pipeline task "${task.name}": ${problem}`),
      );
  }
  for (const result of spec.results ?? []) {
    const problem = firstProblem(
      referencesIn(result.value).flatMap((text) => parseResultReference(text) ?? []),
      names,
      resultsOf,
    );
    if (problem)
      throw new RunFailure(
        'InvalidPipelineResultReference',
        `Failed to resolve pipeline result reference for "${runName}" with error ${userError(`invalid pipeline result "${result.name}": ${problem}`)}`,
      );
  }
  checkOptionalWorkspaces(spec, specOf);
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

function checkOptionalWorkspaces(spec: PipelineSpec, specOf: (task: string) => TaskSpec | undefined): void {
  const optional = new Set(
    (spec.workspaces ?? []).filter((workspace) => workspace.optional).map((workspace) => workspace.name),
  );
  for (const task of [...(spec.tasks ?? []), ...(spec.finally ?? [])]) {
    const ofTask = new Map((specOf(task.name ?? '')?.workspaces ?? []).map((one) => [one.name, one]));
    for (const { name, workspace } of task.workspaces ?? []) {
      const declared = ofTask.get(name);
      if (!optional.has(workspace || name) || declared === undefined || declared.optional) continue;
      const problem = `pipeline workspace "${workspace || name}" is marked optional but pipeline task "${task.name}" requires it be provided`;
      throw new RunFailure(
        'RequiredWorkspaceMarkedOptional',
        `Optional workspace not supported by task: ${userError(problem)}`,
      );
    }
  }
}
