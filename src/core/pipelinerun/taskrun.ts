import { mergePodTemplates } from '../../api/core/podtemplate.merge.ts';
import { defaultTaskRun } from '../../api/pipeline/v1/defaults.ts';
import type { Param } from '../../api/pipeline/v1/params.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineTaskRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { annotations } from '../labels.ts';
import { childName } from '../naming.ts';
import { paramReplacements } from '../params/replacements.ts';
import { checkEnums } from '../params/check.ts';
import type { Settings } from '../settings.ts';
import { mergeReplacements, replaceDeep, stringReplacements, type Replacements } from '../substitution/replacements.ts';
import type { Assessment, TaskState } from './assess.ts';
import { boundWorkspaces, contextReplacements, replaceInTask, replaceInTaskSpec } from './bind.ts';
import { groupLabel, nodeGroup, withGroupAffinity } from './coschedule.ts';
import type { Draft } from './draft.ts';
import { RunFailure, userError } from './failure.ts';
import { fanOut, isMatrixed, matrixProblem } from './matrix.ts';
import { runMetadata, taskRunMetadata, type TaskRunOrigin } from './metadata.ts';
import { runReference } from './owner.ts';
import type { BoundPipeline } from './pipeline.ts';
import { taskRunTimeout } from './timeouts.ts';
import type { ResolvedTask } from './types.ts';
import { taskRunWorkspaces } from './workspaces.ts';

/** What the TaskRuns of one run have in common. */
export interface TaskRunContext {
  run: PipelineRun;
  metadata: TaskRunOrigin['metadata'];
  pipelineName: string;
  spec: PipelineSpec;
  workspaces: readonly WorkspaceBinding[];
  /** Results of other tasks, for embedded specs and workspace bindings. */
  results: Replacements;
  settings: Settings;
}

/** Of a run whose pipeline is bound and whose tasks are assessed. */
export function taskRunContext(
  { run, facts }: Pick<Draft, 'run' | 'facts'>,
  { name, spec, source }: BoundPipeline,
  { replacements }: Assessment,
): TaskRunContext {
  return {
    run,
    settings: facts.settings,
    spec,
    pipelineName: name,
    results: replacements,
    metadata: runMetadata(run, source ?? { name, spec }),
    workspaces: boundWorkspaces(run, name, spec),
  };
}

/**
 * The TaskRuns that a task still needs, one or a fan-out. Names follow from the run's and the task's alone, so that a
 * restarted controller finds those it made before instead of making more.
 * @throws RunFailure for params and workspaces that no TaskRun can be made from
 */
export function taskRunsFor(state: TaskState, resolved: ResolvedTask | undefined, context: TaskRunContext): TaskRun[] {
  const task = replaceInTask(
    state.task,
    stringReplacements({ 'context.pipelineTask.retries': String(state.task.retries ?? 0) }),
  );
  const existing = new Set(state.runs.map((run) => run.metadata.name));
  return combinations(task, context.settings)
    .map((params, index, all) => ({
      params,
      name: taskRunName(context.run, state.name, all.length > 1 ? index : undefined),
    }))
    .filter(({ name }) => !existing.has(name))
    .map(({ params, name }) =>
      taskRun(name, [...params, ...(task.params ?? [])], { ...state, task }, resolved, context),
    );
}

function combinations(task: PipelineTask, settings: Settings): Param[][] {
  if (task.matrix === undefined || !isMatrixed(task)) return [[]];
  const problem = matrixProblem(task);
  if (problem)
    throw new RunFailure(
      'InvalidMatrixParameterTypes',
      `Failed to validate matrix "${task.name}" with error ${userError(problem)}`,
    );
  const all = fanOut(task.matrix);
  const most = settings.defaults.maxMatrixCombinationsCount;
  if (all.length > most)
    throw new RunFailure(
      'PipelineValidationFailed',
      userError(
        `expected 0 <= ${all.length} <= ${most}: matrix of pipeline task "${task.name}"; an operator may raise default-max-matrix-combinations-count`,
      ),
    );
  return all;
}

export function taskRunName(run: PipelineRun, task: string, index: number | undefined): string {
  return childName(run.metadata.name ?? '', index === undefined ? `-${task}` : `-${task}-${index}`);
}

function taskRun(
  name: string,
  params: Param[],
  state: TaskState,
  resolved: ResolvedTask | undefined,
  context: TaskRunContext,
): TaskRun {
  const { run, settings } = context;
  const { task, section } = state;
  const spec: TaskSpec | undefined = resolved?.spec ?? task.taskSpec;
  checkEnumValues(task, params, spec, settings);
  const { own, template } = runtimeSpecs(context, state.name, params);
  const origin = {
    run,
    metadata: context.metadata,
    pipelineTask: state.name,
    section,
    taskRunSpec: own.metadata,
    embedded: task.taskSpec?.metadata,
    task: resolved,
  };
  const metadata = taskRunMetadata(origin, settings);
  if (task.onError === 'continue') metadata.annotations[annotations.pipelineTaskOnError] = 'continue';
  const workspaces = taskRunWorkspaces(run, replaceDeep([...context.workspaces], context.results), task, spec);
  const group = nodeGroup(run, workspaces, settings);
  Object.assign(metadata.labels, groupLabel(group));
  const bare: TaskRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name, namespace: run.metadata.namespace ?? '', ...metadata, ownerReferences: [runReference(run)] },
    spec: {
      ...(params.length > 0 ? { params } : {}),
      ...definition(task, context.results),
      ...(task.retries ? { retries: task.retries } : {}),
      timeout: taskRunTimeout(run, section, own.timeout ?? task.timeout, settings.defaults),
      ...definedOnly({
        serviceAccountName: own.serviceAccountName || template?.serviceAccountName,
        podTemplate: withGroupAffinity(mergePodTemplates(own.podTemplate, template?.podTemplate), group),
        stepSpecs: own.stepSpecs,
        sidecarSpecs: own.sidecarSpecs,
        computeResources: own.computeResources,
      }),
      ...(workspaces.length > 0 ? { workspaces } : {}),
    },
  };
  // With all defaults in place nobody has to write it again, with or without the webhook.
  return defaultTaskRun(bare, settings.defaults);
}

/**
 * What the TaskRun runs. An embedded spec is written out with the results it names; of a reference only what the
 * TaskRun needs.
 */
function definition(task: PipelineTask, results: Replacements): Pick<TaskRun['spec'], 'taskRef' | 'taskSpec'> {
  if (task.taskRef !== undefined) return { taskRef: task.taskRef };
  const {
    apiVersion: _apiVersion,
    kind: _kind,
    metadata: _metadata,
    spec: _spec,
    ...taskSpec
  } = replaceInTaskSpec(task.taskSpec ?? {}, results);
  return { taskSpec };
}

/**
 * taskRunSpecs of this task and taskRunTemplate, with the run's params, the TaskRun's own (of a matrix) and context
 * replaced.
 */
function runtimeSpecs(
  { run, spec, pipelineName }: TaskRunContext,
  task: string,
  params: readonly Param[],
): { own: PipelineTaskRunSpec; template: PipelineRun['spec']['taskRunTemplate'] } {
  const replacements = mergeReplacements(
    paramReplacements(spec.params ?? [], run.spec.params ?? []),
    contextReplacements(run, pipelineName),
    paramReplacements([], params),
  );
  const own = (run.spec.taskRunSpecs ?? []).find((one) => one.pipelineTaskName === task) ?? {};
  return { own: replaceDeep(own, replacements), template: replaceDeep(run.spec.taskRunTemplate, replacements) };
}

function checkEnumValues(
  task: PipelineTask,
  params: readonly Param[],
  spec: TaskSpec | undefined,
  settings: Settings,
): void {
  if (!settings.flags.enableParamEnum) return;
  const problem = checkEnums(spec?.params ?? [], params);
  if (problem)
    throw new RunFailure(
      'InvalidParamValue',
      `Invalid param value from PipelineTask "${task.name}": ${userError(problem.message)}`,
    );
}

function definedOnly<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
