import {
  disallowedField,
  fieldError,
  invalidValue,
  missingOneOf,
  multipleOneOf,
  via,
  type FieldError,
} from '../../fielderror.ts';
import { validateMatrix } from './matrix.validate.ts';
import { validateRef, validateTaskParams, validateWhen } from './params.validate.ts';
import { pipelineSpec, type PipelineSpec, type PipelineTask } from './pipeline.ts';
import { validateTaskSpec } from './task.validate.ts';
import { isDnsLabel, quote, requireApiFields, validateDuration, type ValidationContext } from './validation.ts';

/** Validates the pipeline inside a pipeline task; handed in, since a pipeline validates its tasks. */
export type ValidateNestedPipeline = (spec: PipelineSpec) => FieldError[];

/** One task of a pipeline by itself. Paths are relative to the task. */
export function validatePipelineTask(
  task: PipelineTask,
  context: ValidationContext,
  nested: ValidateNestedPipeline,
): FieldError[] {
  return [
    ...validateName(task.name ?? ''),
    ...validateDefinition(task, context),
    ...validateEmbedded(task, context, nested),
    ...(isCustomTask(task)
      ? validateCustomTask(task)
      : task.taskRef
        ? via('taskRef', validateRef(task.taskRef, context))
        : []),
    ...validateOnError(task, context),
    ...validateTaskParams(task.params),
    ...validateWhen(task.when, context),
    ...validateMatrix(task, context),
    ...validateDuration(task.timeout, 'timeout'),
    ...((task.retries ?? 0) < 0 ? invalidValue(`${task.retries} should be >= 0`, 'retries') : []),
  ];
}

function validateName(name: string): FieldError[] {
  if (isDnsLabel(name)) return [];
  return fieldError(
    `invalid value ${quote(name)}`,
    'name',
    'Pipeline Task name must be a valid DNS Label.For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names',
  );
}

const DEFINITIONS = ['taskRef', 'taskSpec', 'pipelineRef', 'pipelineSpec'] as const;

/** Exactly one of the four ways to say what runs. */
function validateDefinition(task: PipelineTask, context: ValidationContext): FieldError[] {
  const set = DEFINITIONS.filter((field) => task[field] !== undefined);
  if (set.length > 1) return multipleOneOf(...set);
  if (set.length === 0)
    return context.flags.enableApiFields === 'alpha'
      ? missingOneOf(...DEFINITIONS)
      : missingOneOf('taskRef', 'taskSpec');
  return [];
}

/**
 * What a custom task is: docs/pipelines.md, "Using Custom Tasks". An apiVersion alone makes one, as does a kind other
 * than Task.
 */
export function isCustomTask(task: PipelineTask): boolean {
  return [task.taskRef, task.taskSpec].some(
    (definition) =>
      definition !== undefined &&
      (Boolean(definition.apiVersion) || !['', 'Task', undefined].includes(definition.kind)),
  );
}

function validateCustomTask({ taskRef, taskSpec }: PipelineTask): FieldError[] {
  return [
    ...(taskRef && !taskRef.kind ? invalidValue('custom task ref must specify kind', 'taskRef.kind') : []),
    ...(taskSpec && !taskSpec.kind ? invalidValue('custom task spec must specify kind', 'taskSpec.kind') : []),
    ...(taskRef && !taskRef.apiVersion
      ? invalidValue('custom task ref must specify apiVersion', 'taskRef.apiVersion')
      : []),
    ...(taskSpec && !taskSpec.apiVersion
      ? invalidValue('custom task spec must specify apiVersion', 'taskSpec.apiVersion')
      : []),
  ];
}

function validateEmbeddedOrType(spec: NonNullable<PipelineTask['taskSpec']>): FieldError[] {
  if ((spec.steps ?? []).length === 0) return [];
  return (['apiVersion', 'kind'] as const).flatMap((field) =>
    spec[field]
      ? fieldError(`taskSpec.${field} cannot be specified when using taskSpec.steps`, `taskSpec.${field}`)
      : [],
  );
}

function validateEmbedded(
  task: PipelineTask,
  context: ValidationContext,
  nested: ValidateNestedPipeline,
): FieldError[] {
  const inlineDisallowed = context.flags.disableInlineSpec.includes('pipeline');
  const errors = (['taskSpec', 'pipelineSpec'] as const).flatMap((field) =>
    task[field] && inlineDisallowed ? disallowedField(field) : [],
  );
  if (task.taskSpec) errors.push(...validateEmbeddedOrType(task.taskSpec));
  if (task.taskSpec && !isCustomTask(task)) errors.push(...via('taskSpec', validateTaskSpec(task.taskSpec, context)));
  if (task.pipelineRef)
    errors.push(
      ...requireApiFields(context, 'pipelineRef', 'alpha', 'pipelineRef'),
      ...via('pipelineRef', validateRef(task.pipelineRef, context)),
    );
  if (task.pipelineSpec)
    errors.push(
      ...requireApiFields(context, 'pipelineSpec', 'alpha', 'pipelineSpec'),
      ...via('pipelineSpec', validateNested(task.pipelineSpec, nested)),
    );
  return errors;
}

/** The CRD does not describe a pipeline inside a pipeline, so its form is checked here. */
function validateNested(spec: Record<string, unknown>, nested: ValidateNestedPipeline): FieldError[] {
  const parsed = pipelineSpec.safeParse(spec);
  if (parsed.success) return nested(parsed.data);
  return parsed.error.issues.flatMap((issue) => invalidValue(issue.message, issue.path.join('.')));
}

function validateOnError(task: PipelineTask, context: ValidationContext): FieldError[] {
  const { onError, retries = 0 } = task;
  if (!onError) return [];
  return [
    ...requireApiFields(context, 'OnError', 'beta', 'onError'),
    ...(onError === 'continue' || onError === 'stopAndFail' || onError.startsWith('$(params')
      ? []
      : invalidValue(onError, 'OnError', 'PipelineTask OnError must be either "continue" or "stopAndFail"')),
    ...(onError === 'continue' && retries > 0
      ? fieldError('PipelineTask OnError cannot be set to "continue" when Retries is greater than 0', 'onError')
      : []),
  ];
}
