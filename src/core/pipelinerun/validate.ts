import { formatFieldErrors } from '../../api/fielderror.ts';
import type { Param } from '../../api/pipeline/v1/params.ts';
import type { Pipeline, PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { validatePipelineRun } from '../../api/pipeline/v1/pipelinerun.validate.ts';
import { validatePipeline, validatePipelineSpec } from '../../api/pipeline/v1/pipeline.validate.ts';
import { taskDependencies } from '../graph/dependencies.ts';
import { buildGraph, GraphError, type Graph } from '../graph/graph.ts';
import { checkArrayIndexes, checkEnums, checkParams, type ParamProblem } from '../params/check.ts';
import type { Settings } from '../settings.ts';
import { unknownOperator } from '../when/when.ts';
import { RunFailure, userError, type FailureReason } from './failure.ts';
import { nameOf } from './names.ts';
import { unsupportedField } from './support.ts';

/**
 * The graph of a pipeline's tasks. Final tasks only need names of their own: they all start together.
 * @throws RunFailure PipelineInvalidGraph
 */
export function graphOf(run: PipelineRun, spec: PipelineSpec): Graph {
  const tasks = spec.tasks ?? [];
  const names = new Set(tasks.map((task) => task.name ?? ''));
  const graph = buildOrFail(
    run,
    '',
    tasks.map((task) => ({ name: task.name ?? '', dependencies: taskDependencies(task, names) })),
  );
  buildOrFail(
    run,
    ' for finally clause',
    [...(spec.finally ?? [])].map((task) => ({ name: task.name ?? '', dependencies: [] })),
  );
  return graph;
}

function buildOrFail(run: PipelineRun, clause: string, nodes: Parameters<typeof buildGraph>[0]): Graph {
  try {
    return buildGraph(nodes);
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new RunFailure(
      'PipelineInvalidGraph',
      `PipelineRun ${nameOf(run)}'s Pipeline DAG is invalid${clause}: ${userError(error.message)}`,
    );
  }
}

/**
 * Whether this run can run this pipeline, before anything is replaced in it. The order of the checks, reasons and texts
 * are upstream's. @throws RunFailure at the first problem
 */
export function validateRun(run: PipelineRun, pipelineName: string, spec: PipelineSpec, settings: Settings): void {
  const pipeline = `${run.metadata.namespace}/${pipelineName}`;
  graphOf(run, spec);
  checkTasks(pipeline, spec);
  checkPipeline(pipeline, { metadata: { name: pipelineName }, spec }, run.spec.pipelineSpec !== undefined, settings);
  checkRunParams(run, pipeline, spec, settings);
  checkWorkspaces(run, pipeline, spec);
  checkTaskRunSpecs(run, spec);
  checkAdmission(run, settings);
}

/**
 * What admission would have refused of the run itself, which has its defaults: without the webhook, or with an older
 * one, it gets here.
 */
function checkAdmission(run: PipelineRun, settings: Settings): void {
  const errors = validatePipelineRun(run, settings);
  if (errors.length > 0)
    throw new RunFailure(
      'PipelineValidationFailed',
      `PipelineRun ${nameOf(run)} can't be Run: ${userError(formatFieldErrors(errors))}`,
    );
}

/** What this version cannot do. */
function checkTasks(pipeline: string, spec: PipelineSpec): void {
  const invalid = (problem: string) => invalidPipeline(pipeline, problem);
  const all = [...sectionTasks(spec, 'tasks'), ...sectionTasks(spec, 'finally')];
  if (all.length === 0) throw invalid('missing field(s): spec.tasks; a pipeline needs at least one task');
  for (const { path, task } of all) {
    const unsupported = unsupportedField(task);
    if (unsupported !== undefined) throw invalid(`${path}.${unsupported}`);
    const when = unknownOperator(task.when);
    if (when !== undefined)
      throw invalid(
        `invalid value: operator "${when.operator}" is not recognized. valid operators: in,notin: ${path}.when[${when.index}].operator`,
      );
  }
}

/**
 * What admission would refuse: without the webhook, or with an older one, it gets here. Nothing propagates into a
 * Pipeline of its own: it declares every param and workspace that it uses.
 */
function checkPipeline(name: string, pipeline: Pipeline, isEmbedded: boolean, settings: Settings): void {
  const errors = isEmbedded ? validatePipelineSpec(pipeline.spec, settings) : validatePipeline(pipeline, settings);
  if (errors.length > 0) throw invalidPipeline(name, formatFieldErrors(errors));
}

function invalidPipeline(pipeline: string, problem: string): RunFailure {
  return new RunFailure(
    'PipelineValidationFailed',
    `Pipeline ${pipeline} can't be Run; it has an invalid spec: ${userError(problem)}`,
  );
}

function sectionTasks(spec: PipelineSpec, section: 'tasks' | 'finally'): { path: string; task: PipelineTask }[] {
  return (spec[section] ?? []).map((task, index) => ({ path: `${section}[${index}]`, task }));
}

function checkRunParams(run: PipelineRun, pipeline: string, spec: PipelineSpec, settings: Settings): void {
  const [declared, given] = [spec.params ?? [], run.spec.params ?? []];
  const problem =
    checkParams(declared, given) ??
    (settings.flags.enableParamEnum ? checkEnums(declared, given) : undefined) ??
    checkArrayIndexes(declared, given, outerFields(spec));
  if (problem !== undefined) throw paramFailure(nameOf(run), pipeline, problem);
}

/** Where pipeline params stand, without embedded specs: those may declare params of the same name. */
function outerFields(spec: PipelineSpec): unknown {
  return [...(spec.tasks ?? []), ...(spec.finally ?? [])].map(({ taskSpec: _taskSpec, ...task }) => task);
}

function paramFailure(run: string, pipeline: string, { kind, message, names, missingKeys }: ParamProblem): RunFailure {
  const wordings: Record<ParamProblem['kind'], [FailureReason, string]> = {
    missing: [
      'ParameterMissing',
      `PipelineRun ${run} is missing some parameters required by Pipeline ${pipeline}: ${userError(message)}; add them to spec.params`,
    ],
    type: [
      'ParameterTypeMismatch',
      `PipelineRun ${run} parameters have mismatching types with Pipeline ${pipeline}'s parameters: ${userError(`parameters have mismatching types: [${names.join(' ')}]`)}`,
    ],
    keys: [
      'ObjectParameterMissKeys',
      `PipelineRun ${run} parameters is missing object keys required by Pipeline ${pipeline}'s parameters: ${userError(`pipelineRun missing object keys for parameters: ${keysText(missingKeys)}`)}`,
    ],
    index: [
      'ParamArrayIndexingInvalid',
      `PipelineRun ${run} failed validation: failed to validate Pipeline ${pipeline}'s parameter which has an invalid index while referring to an array: ${userError(message)}`,
    ],
    size: ['PipelineValidationFailed', `PipelineRun ${run} can't be Run: ${userError(message)}`],
    enum: ['InvalidParamValue', `PipelineRun ${run} parameters have invalid value: ${userError(message)}`],
  };
  return new RunFailure(...wordings[kind]);
}

function keysText(missing: ParamProblem['missingKeys']): string {
  return `map[${Object.entries(missing ?? {})
    .map(([name, keys]) => `${name}:[${keys.join(' ')}]`)
    .join(' ')}]`;
}

function checkWorkspaces(run: PipelineRun, pipeline: string, spec: PipelineSpec): void {
  const fail = (problem: string) =>
    new RunFailure(
      'InvalidWorkspaceBindings',
      `PipelineRun ${nameOf(run)} doesn't bind Pipeline ${pipeline}'s Workspaces correctly: ${userError(problem)}`,
    );
  const bound = new Set(run.spec.workspaces?.map((binding) => binding.name));
  const missing = (spec.workspaces ?? []).find((workspace) => !workspace.optional && !bound.has(workspace.name));
  if (missing) throw fail(`pipeline requires workspace with name "${missing.name}" be provided by pipelinerun`);
}

function checkTaskRunSpecs(run: PipelineRun, spec: PipelineSpec): void {
  const names = new Set([...(spec.tasks ?? []), ...(spec.finally ?? [])].map((task) => task.name));
  const unknown = (run.spec.taskRunSpecs ?? []).find((taskRunSpec) => !names.has(taskRunSpec.pipelineTaskName));
  if (!unknown) return;
  const problem = `pipelineRun's taskrunSpecs defined wrong taskName: "${unknown.pipelineTaskName}", does not exist in Pipeline`;
  throw new RunFailure(
    'InvalidTaskRunSpecs',
    `PipelineRun ${nameOf(run)} doesn't define taskRunSpecs correctly: ${userError(problem)}`,
  );
}

/** What a task's declared params lack, counting those of its matrix as given. */
export function taskParamProblem(
  task: PipelineTask,
  declared: Parameters<typeof checkParams>[0],
): ParamProblem | undefined {
  const fanned = [
    ...(task.matrix?.params ?? []),
    ...(task.matrix?.include ?? []).flatMap((include) => include.params ?? []),
  ];
  const given: Param[] = [...(task.params ?? []), ...fanned.map(({ name }) => ({ name, value: '' }))];
  return checkParams(declared, given);
}
