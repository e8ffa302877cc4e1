import { mergePodTemplates } from '../../api/core/podtemplate.merge.ts';
import { defaultTaskRun } from '../../api/pipeline/v1/defaults.ts';
import { toParamValue, type Param } from '../../api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineTaskRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { annotations } from '../labels.ts';
import { childName } from '../naming.ts';
import type { Budget } from '../budget.ts';
import { paramReplacements, valuesUnder } from '../params/replacements.ts';
import { checkEnums } from '../params/check.ts';
import type { Definition } from '../reference/resolved.ts';
import type { Settings } from '../settings.ts';
import { mergeReplacements, replaceDeep, stringReplacements, type Replacements } from '../substitution/replacements.ts';
import type { Assessment, TaskState } from './assess.ts';
import {
  bindingBudget,
  boundWorkspaces,
  contextReplacements,
  replaceInGiven,
  replaceInTask,
  replaceInTaskSpec,
} from './bind.ts';
import { groupLabel, nodeGroup, withGroupAffinity } from './coschedule.ts';
import type { Draft } from './draft.ts';
import { RunFailure, userError } from './failure.ts';
import { fanOut, fanOutProblem, isMatrixed, matrixProblem } from './matrix.ts';
import { runMetadata, taskRunMetadata, type TaskRunOrigin } from './metadata.ts';
import { runReference } from './owner.ts';
import type { BoundPipeline } from './pipeline.ts';
import { taskRunTimeout } from './timeouts.ts';
import { taskRunWorkspaces } from './workspaces.ts';
import { Room } from './room.ts';

/** What the TaskRuns of one run have in common. */
export interface TaskRunContext {
  run: PipelineRun;
  metadata: TaskRunOrigin['metadata'];
  /** Params and context of the run, for taskRunSpecs and taskRunTemplate. */
  values: Replacements;
  /** By name, with results of other tasks replaced. */
  workspaces: ReadonlyMap<string, WorkspaceBinding>;
  taskRunSpecs: ReadonlyMap<string, PipelineTaskRunSpec>;
  /** Results of other tasks, for embedded specs. */
  results: Replacements;
  settings: Settings;
  /** How many may be made now. */
  room: Room;
}

/** What the TaskRuns of one task have in common. */
interface Common {
  state: TaskState;
  resolved: Definition<'Task'> | undefined;
  definition: Pick<TaskRun['spec'], 'taskRef' | 'taskSpec'>;
  workspaces: WorkspaceBinding[];
}

/** Of a run whose pipeline is bound and whose tasks are assessed. */
export function taskRunContext(
  { run, facts }: Pick<Draft, 'run' | 'facts'>,
  { name, spec, source }: BoundPipeline,
  { replacements }: Assessment,
): TaskRunContext {
  const budget = bindingBudget('workspaces with the results of tasks replaced');
  const workspaces = boundWorkspaces(run, name, spec).map((one) => replaceDeep(one, replacements, budget));
  const params = paramReplacements(spec.params ?? [], run.spec.params ?? []);
  return {
    run,
    settings: facts.settings,
    values: mergeReplacements(params, contextReplacements(run, name)),
    results: replacements,
    metadata: runMetadata(run, source ?? { name, spec }),
    workspaces: new Map(workspaces.map((binding) => [binding.name, binding])),
    taskRunSpecs: firstOfEach(run.spec.taskRunSpecs ?? [], (one) => one.pipelineTaskName ?? ''),
    room: new Room(),
  };
}

function firstOfEach<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T> {
  return new Map(items.toReversed().map((item) => [nameOf(item), item]));
}

/**
 * The TaskRuns that a task still needs, one or a fan-out, as far as there is room for them in this plan. Names follow
 * from the run's and the task's alone, so that a restarted controller finds those it made before instead of making
 * more.
 * @throws RunFailure for params and workspaces that no TaskRun can be made from, TooLargeError for one too large
 */
export function taskRunsFor(
  state: TaskState,
  resolved: Definition<'Task'> | undefined,
  context: TaskRunContext,
): TaskRun[] {
  const budget = bindingBudget(`TaskRun of pipeline task "${state.name}" with its variables replaced`);
  const task = replaceInTask(
    state.known ? replaceInGiven(state.task, state.known, budget) : state.task,
    stringReplacements({ 'context.pipelineTask.retries': String(state.task.retries ?? 0) }),
    budget,
  );
  const common: Common = {
    state: { ...state, task },
    resolved,
    definition: definition(task, context.results, budget),
    workspaces: taskRunWorkspaces(context.run, context.workspaces, task, resolved?.spec ?? task.taskSpec),
  };
  const existing = new Set(state.runs.map((run) => run.metadata.name));
  const made: TaskRun[] = [];
  const all = combinations(task, context.settings);
  for (const [index, params] of all.entries()) {
    const name = taskRunName(context.run, state.name, all.length > 1 ? index : undefined);
    if (existing.has(name)) continue;
    if (context.room.isUsedUp) break;
    made.push(taskRun(name, [...params, ...(task.params ?? [])], common, context));
  }
  return made;
}

function combinations(task: PipelineTask, settings: Settings): Param[][] {
  if (task.matrix === undefined || !isMatrixed(task)) return [[]];
  const problem = matrixProblem(task);
  if (problem)
    throw new RunFailure(
      'InvalidMatrixParameterTypes',
      `Failed to validate matrix "${task.name}" with error ${userError(problem)}`,
    );
  const tooMany = fanOutProblem(task, settings.defaults.maxMatrixCombinationsCount);
  if (tooMany) throw new RunFailure('PipelineValidationFailed', userError(tooMany));
  return fanOut(task.matrix);
}

export function taskRunName(run: PipelineRun, task: string, index: number | undefined): string {
  return childName(run.metadata.name ?? '', index === undefined ? `-${task}` : `-${task}-${index}`);
}

function taskRun(name: string, params: Param[], common: Common, context: TaskRunContext): TaskRun {
  const { run, settings } = context;
  const { task, section } = common.state;
  checkEnumValues(task, params, common.resolved?.spec ?? task.taskSpec, settings);
  const budget = bindingBudget(`TaskRun ${name} with the params of its template replaced`);
  const { own, template } = runtimeSpecs(context, common.state.name, params, budget);
  const origin: TaskRunOrigin = {
    run,
    metadata: context.metadata,
    pipelineTask: common.state.name,
    section,
    taskRunSpec: own.metadata,
    embedded: task.taskSpec?.metadata,
    task: common.resolved,
  };
  const metadata = taskRunMetadata(origin, settings);
  if (task.onError === 'continue') metadata.annotations[annotations.pipelineTaskOnError] = 'continue';
  const { workspaces } = common;
  const group = nodeGroup(run, workspaces, settings);
  Object.assign(metadata.labels, groupLabel(group));
  const bare: TaskRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name, namespace: run.metadata.namespace ?? '', ...metadata, ownerReferences: [runReference(run)] },
    spec: {
      ...(params.length > 0 ? { params } : {}),
      ...common.definition,
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
  const made = defaultTaskRun(bare, settings.defaults);
  context.room.take(made);
  return made;
}

/**
 * What the TaskRun runs. An embedded spec is written out with the results it names; of a reference only what the
 * TaskRun needs.
 */
function definition(task: PipelineTask, results: Replacements, budget: Budget): Common['definition'] {
  if (task.taskRef !== undefined) return { taskRef: task.taskRef };
  const {
    apiVersion: _apiVersion,
    kind: _kind,
    metadata: _metadata,
    spec: _spec,
    ...taskSpec
  } = replaceInTaskSpec(task.taskSpec ?? {}, results, budget);
  return { taskSpec };
}

/**
 * taskRunSpecs of this task and taskRunTemplate, with the run's params, the TaskRun's own (of a matrix) and context
 * replaced.
 */
function runtimeSpecs(
  { run, values, taskRunSpecs }: TaskRunContext,
  task: string,
  params: readonly Param[],
  budget: Budget,
): { own: PipelineTaskRunSpec; template: PipelineRun['spec']['taskRunTemplate'] } {
  const ofTask = new Map(params.map(({ name, value }) => [name, toParamValue(value)]));
  const replacements = mergeReplacements(values, valuesUnder(ofTask, ['params']));
  return {
    own: replaceDeep(taskRunSpecs.get(task) ?? {}, replacements, budget),
    template: replaceDeep(run.spec.taskRunTemplate, replacements, budget),
  };
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
