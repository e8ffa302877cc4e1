import { each, fieldError, invalidValue, multipleOneOf, via, type FieldError } from '../../fielderror.ts';
import { resultReference } from '../../variables/reference.ts';
import { references, textsIn } from '../../variables/scan.ts';
import {
  declaredParams,
  validateObjectProperties,
  validateParamSpecs,
  type DeclaredParams,
} from './params.validate.ts';
import type { Pipeline, PipelineResult, PipelineSpec, PipelineTask } from './pipeline.ts';
import { isCustomTask, validatePipelineTask } from './pipelinetask.validate.ts';
import {
  taskNames,
  validateExecutionStatus,
  validateMatrixResults,
  validateParamUsage,
  validateResultsInFinally,
  validateTaskReferences,
} from './pipelinevariables.validate.ts';
import { validateDeclaredParams } from './taskvariables.validate.ts';
import { defaultValidationContext, quote, repeated, validateObjectName, type ValidationContext } from './validation.ts';

/**
 * A Pipeline that stands on its own: nothing propagates into it, so it declares all params and workspaces it uses.
 * Paths start with `spec` or `metadata`. The order of the tasks (cycles, unknown runAfter) is checked where the graph
 * is built.
 */
export function validatePipeline(
  pipeline: Pipeline,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  const { spec } = pipeline;
  const declared = declaredParams(spec.params ?? []);
  const workspaces = new Set((spec.workspaces ?? []).map((workspace) => workspace.name));
  return [
    ...validateObjectName(pipeline.metadata),
    ...via('spec', [
      ...validatePipelineSpec(spec, context),
      ...validateObjectProperties(spec.params),
      ...(['tasks', 'finally'] as const).flatMap((section) => [
        ...validateParamUsage(section, spec[section], declared),
        ...each(section, spec[section], (task) => [
          ...validateEmbeddedParams(task, declared),
          ...validateWorkspaceUse(task, workspaces),
        ]),
      ]),
    ]),
  ];
}

/**
 * A spec wherever it is written; params and workspaces it uses may come from outside. Paths are relative to the spec.
 */
export function validatePipelineSpec(
  spec: PipelineSpec,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  const names = { tasks: taskNames(spec.tasks), finally: taskNames(spec.finally) };
  const nested = (inner: PipelineSpec) => validatePipelineSpec(inner, context);
  const check = (task: PipelineTask) => [
    ...validatePipelineTask(task, context, nested),
    ...validateTaskReferences(task),
  ];
  return [
    ...validateNotEmpty(spec),
    ...each('tasks', spec.tasks, check),
    ...each('finally', spec.finally, check),
    ...validateTaskNamesOnce(spec),
    ...validateParamSpecs(spec.params, context),
    ...validateExecutionStatus(spec),
    ...validateWorkspaceDeclarations(spec),
    ...each('results', spec.results, (result) => via('value', validateResult(result, names))),
    ...validateFinally(spec),
    ...validateResultsInFinally(spec),
    ...validateMatrixResults(spec),
  ];
}

function validateNotEmpty(spec: PipelineSpec): FieldError[] {
  if (Object.values(spec).some((value) => (Array.isArray(value) ? value.length > 0 : Boolean(value)))) return [];
  return ['description', 'params', 'resources', 'tasks', 'workspaces'].flatMap((path) =>
    fieldError('expected at least one, got none', path),
  );
}

/** tasks and finally share their names, which become names of TaskRuns. */
function validateTaskNamesOnce(spec: PipelineSpec): FieldError[] {
  const tasks = spec.tasks ?? [];
  return repeated([...tasks, ...(spec.finally ?? [])], (task) => task.name ?? '').flatMap(({ index }) =>
    multipleOneOf(index < tasks.length ? `tasks[${index}].name` : `finally[${index - tasks.length}].name`),
  );
}

function validateWorkspaceDeclarations(spec: PipelineSpec): FieldError[] {
  const nameless = spec.workspaces?.findIndex(({ name }) => name === '');
  return [
    ...each('workspaces', spec.workspaces, ({ name }) =>
      name === '' ? invalidValue(`workspace ${nameless} has empty name`) : [],
    ),
    ...repeated(spec.workspaces, (workspace) => workspace.name).flatMap(({ name, index }) =>
      invalidValue(`workspace with name ${quote(name)} appears more than once`, `workspaces[${index}]`),
    ),
  ];
}

/** Workspaces that a task takes exist in the pipeline, and each of the task's names is given once. */
function validateWorkspaceUse(task: PipelineTask, declared: ReadonlySet<string>): FieldError[] {
  return [
    ...repeated(task.workspaces, (workspace) => workspace.name).flatMap(({ name, index }) =>
      fieldError(`workspace name ${quote(name)} must be unique`, `workspaces[${index}]`),
    ),
    ...each('workspaces', task.workspaces, ({ name, workspace }) => {
      const source = workspace || name;
      return declared.has(source)
        ? []
        : invalidValue(
            `pipeline task ${quote(task.name ?? '')} expects workspace with name ${quote(source)} but none exists in pipeline spec`,
          );
    }),
  ];
}

/** The pipeline's params reach into the specs that it embeds. */
function validateEmbeddedParams(task: PipelineTask, outer: DeclaredParams): FieldError[] {
  if (!task.taskSpec || isCustomTask(task)) return [];
  const { steps, params = [] } = task.taskSpec;
  const own = declaredParams(params);
  return via('taskSpec', [
    ...validateDeclaredParams(steps, (name) => [...own(name), ...outer(name)]),
    ...validateObjectProperties(params),
  ]);
}

/** The value of a pipeline result consists of results of its tasks. Paths are relative to the value. */
function validateResult(result: PipelineResult, names: Record<'tasks' | 'finally', ReadonlySet<string>>): FieldError[] {
  const expressions = textsIn(result.value).flatMap(references);
  if (expressions.length === 0)
    return invalidValue('expected pipeline results to be task result expressions but no expressions were found');
  const looksLikeResult = expressions.filter((inner) => /^(tasks|finally)\./.test(inner) && inner.includes('.results'));
  if (looksLikeResult.length === 0)
    return invalidValue('expected pipeline results to be task result expressions but an invalid expressions was found');
  const results = looksLikeResult.flatMap((inner) => resultReference(inner) ?? []);
  if (results.length !== looksLikeResult.length) {
    const valid = looksLikeResult.filter((inner) => resultReference(inner) !== undefined);
    return invalidValue(
      `expected all of the expressions [${looksLikeResult.join(' ')}] to be result expressions but only [${valid.join(' ')}] were`,
    );
  }
  return results.every(({ section, task }) => names[section].has(task))
    ? []
    : invalidValue('referencing a nonexistent task');
}

function validateFinally(spec: PipelineSpec): FieldError[] {
  const count = (spec.finally ?? []).length;
  return [
    ...(count > 0 && (spec.tasks ?? []).length === 0
      ? invalidValue(`spec.tasks is empty but spec.finally has ${count} tasks`, 'finally')
      : []),
    ...each('finally', spec.finally, (task) =>
      (task.runAfter ?? []).length > 0
        ? invalidValue(`no runAfter allowed under spec.finally, final task ${task.name} has runAfter specified`)
        : [],
    ),
  ];
}
