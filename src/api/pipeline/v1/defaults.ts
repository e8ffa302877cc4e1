import type { Defaults } from '../../config/config-defaults.ts';
import { formatDuration } from '../../../duration.ts';
import { mergePodTemplates } from '../../core/podtemplate.merge.ts';
import { toParamValue, type Param, type ParamSpec, type ParamType, type PipelineRef, type TaskRef } from './params.ts';
import type { PipelineSpec, PipelineTask } from './pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from './pipelinerun.ts';
import type { TaskResult, TaskSpec } from './task.ts';
import type { TaskRun, TaskRunSpec } from './taskrun.ts';

/**
 * Defaults that the webhook writes into new objects and the reconciler sets in memory on older ones, as upstream's
 * SetDefaults. Nothing here changes its input, and applying it twice gives the same as once.
 */

const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** The type of a value that a param or result declares without saying it. */
function inferredType(param: ParamSpec): ParamType {
  if (param.properties !== undefined) return 'object';
  if (Array.isArray(param.default)) return param.default.every((item) => typeof item === 'string') ? 'array' : 'string';
  if (typeof param.default !== 'object' || param.default === null) return 'string';
  return Object.values(param.default).every((item) => typeof item === 'string') ? 'object' : 'string';
}

/** Keys of an object without a type of their own are strings. */
function withPropertyTypes<T extends { properties?: ParamSpec['properties'] }>(declaration: T): T {
  if (declaration.properties === undefined) return declaration;
  const properties = Object.fromEntries(
    Object.entries(declaration.properties).map(([key, property]) => [
      key,
      { ...property, type: property.type || 'string' },
    ]),
  );
  return { ...declaration, properties };
}

/**
 * Values that YAML reads as numbers, booleans or anything else are texts, from here on (upstream: when they are
 * decoded).
 */
function withValues<T extends { params?: Param[] | undefined }>(holder: T): T {
  return holder.params
    ? { ...holder, params: holder.params.map((param) => ({ ...param, value: toParamValue(param.value) })) }
    : holder;
}

export function defaultParamSpec(param: ParamSpec): ParamSpec {
  return {
    ...withPropertyTypes(param),
    ...(param.default === undefined ? {} : { default: toParamValue(param.default) }),
    type: param.type || inferredType(param),
  };
}

function defaultTaskResult(result: TaskResult): TaskResult {
  return { ...withPropertyTypes(result), type: result.type || (result.properties === undefined ? 'string' : 'object') };
}

/** Types of params and results. */
export function defaultTaskSpec<T extends TaskSpec>(spec: T): T {
  return {
    ...spec,
    ...(spec.params ? { params: spec.params.map(defaultParamSpec) } : {}),
    ...(spec.results ? { results: spec.results.map(defaultTaskResult) } : {}),
  };
}

/** Kind Task; the operator's resolver when the reference names nothing to look up. */
function defaultTaskRef(ref: TaskRef, defaults: Defaults): TaskRef {
  return { ...withDefaultResolver(ref, defaults), kind: ref.kind || 'Task' };
}

function withDefaultResolver<T extends TaskRef | PipelineRef>(ref: T, defaults: Defaults): T {
  const read = withValues(ref);
  return read.name || read.resolver || !defaults.resolverType ? read : { ...read, resolver: defaults.resolverType };
}

function defaultPipelineTask(task: PipelineTask, defaults: Defaults): PipelineTask {
  const { matrix } = task;
  return {
    ...withValues(task),
    ...(matrix
      ? { matrix: { ...withValues(matrix), ...(matrix.include ? { include: matrix.include.map(withValues) } : {}) } }
      : {}),
    ...(task.taskRef ? { taskRef: defaultTaskRef(task.taskRef, defaults) } : {}),
    ...(task.taskSpec ? { taskSpec: defaultTaskSpec(task.taskSpec) } : {}),
  };
}

/** Types of params; references, values and embedded specs of all tasks. */
export function defaultPipelineSpec(spec: PipelineSpec, defaults: Defaults): PipelineSpec {
  const tasks = (list: PipelineTask[]) => list.map((task) => defaultPipelineTask(task, defaults));
  return {
    ...spec,
    ...(spec.params ? { params: spec.params.map(defaultParamSpec) } : {}),
    ...(spec.tasks ? { tasks: tasks(spec.tasks) } : {}),
    ...(spec.finally ? { finally: tasks(spec.finally) } : {}),
    ...(spec.results
      ? { results: spec.results.map((result) => ({ ...result, value: toParamValue(result.value) })) }
      : {}),
  };
}

function defaultTimeout(defaults: Defaults): string {
  return formatDuration(defaults.timeoutMinutes * 60_000);
}

export function defaultTaskRunSpec(spec: TaskRunSpec, defaults: Defaults): TaskRunSpec {
  const podTemplate = mergePodTemplates(spec.podTemplate, defaults.podTemplate);
  const serviceAccountName = spec.serviceAccountName || defaults.serviceAccount;
  return {
    ...withValues(spec),
    ...(spec.taskRef ? { taskRef: defaultTaskRef(spec.taskRef, defaults) } : {}),
    ...(spec.taskSpec ? { taskSpec: defaultTaskSpec(spec.taskSpec) } : {}),
    timeout: spec.timeout ?? defaultTimeout(defaults),
    ...(serviceAccountName ? { serviceAccountName } : {}),
    ...(podTemplate ? { podTemplate } : {}),
  };
}

/** The TaskRun with every default in place: timeout, service account, pod template, types, kind, managed-by label. */
export function defaultTaskRun(taskRun: TaskRun, defaults: Defaults): TaskRun {
  const labels = taskRun.metadata.labels ?? {};
  const managed = Object.hasOwn(labels, MANAGED_BY)
    ? labels
    : { ...labels, [MANAGED_BY]: defaults.managedByLabelValue };
  return {
    ...taskRun,
    metadata: { ...taskRun.metadata, labels: managed },
    spec: defaultTaskRunSpec(taskRun.spec, defaults),
  };
}

export function defaultPipelineRunSpec(spec: PipelineRunSpec, defaults: Defaults): PipelineRunSpec {
  const podTemplate = mergePodTemplates(spec.taskRunTemplate?.podTemplate, defaults.podTemplate);
  const serviceAccountName = spec.taskRunTemplate?.serviceAccountName || defaults.serviceAccount;
  return {
    ...withValues(spec),
    ...(spec.pipelineRef ? { pipelineRef: withDefaultResolver(spec.pipelineRef, defaults) } : {}),
    ...(spec.pipelineSpec ? { pipelineSpec: defaultPipelineSpec(spec.pipelineSpec, defaults) } : {}),
    timeouts: { ...spec.timeouts, pipeline: spec.timeouts?.pipeline ?? defaultTimeout(defaults) },
    taskRunTemplate: {
      ...spec.taskRunTemplate,
      ...(serviceAccountName ? { serviceAccountName } : {}),
      ...(podTemplate ? { podTemplate } : {}),
    },
  };
}

/** The PipelineRun with every default in place: timeouts.pipeline, service account, pod template, types, kinds. */
export function defaultPipelineRun(run: PipelineRun, defaults: Defaults): PipelineRun {
  return { ...run, spec: defaultPipelineRunSpec(run.spec, defaults) };
}
