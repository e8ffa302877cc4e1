import type { Param } from '../../../api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { Budget } from '../../budget.ts';
import { checkEnums } from '../../params/check.ts';
import { paramReplacements } from '../../params/replacements.ts';
import type { Definition } from '../../reference/resolved.ts';
import type { Settings } from '../../settings.ts';
import { mergeReplacements, replaceDeep, stringReplacements } from '../../substitution/replacements.ts';
import type { Assessment, TaskState } from '../assess.ts';
import { bindingBudget, boundWorkspaces, contextReplacements, replaceInGiven, replaceInTask } from '../bind.ts';
import type { Draft } from '../draft.ts';
import { RunFailure, userError } from '../failure.ts';
import { withSource } from '../inherit.ts';
import { fanOut, fanOutProblem, isMatrixed, matrixProblem } from '../matrix.ts';
import { taskChildName } from '../names.ts';
import type { BoundPipeline } from '../pipeline.ts';
import { taskRunWorkspaces } from '../workspaces.ts';
import type { NewChild } from './child.ts';
import type { ChildContext, Common } from './context.ts';
import { isNestedPipeline } from './attempts.ts';
import { isCustomTask, makeCustomRun } from './customrun.ts';
import { runMetadata } from './metadata.ts';
import { makePipelineRun, nestedWorkspaces } from './pipelinerun.ts';
import { Room } from './room.ts';
import { makeTaskRun, taskRunDefinition } from './taskrun.ts';

/** Of a run whose pipeline is bound and whose tasks are assessed. */
export function childContext(
  { run, facts }: Pick<Draft, 'run' | 'facts'>,
  { name, spec, source }: BoundPipeline,
  { replacements }: Assessment,
): ChildContext {
  const budget = bindingBudget('workspaces with the results of tasks replaced');
  const workspaces = boundWorkspaces(run, name, spec).map((one) => replaceDeep(one, replacements, budget));
  const params = paramReplacements(spec.params ?? [], run.spec.params ?? []);
  return {
    run,
    settings: facts.settings,
    inheritance: facts.inheritance,
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
 * The runs that a task still needs, one or a fan-out, as far as there is room for them in this plan.
 * @throws RunFailure for params and workspaces that no run can be made from, TooLargeError for one too large
 */
export function childrenFor(
  state: TaskState,
  resolved: Definition<'Task'> | undefined,
  context: ChildContext,
): NewChild[] {
  const budget = bindingBudget(`TaskRun of pipeline task "${state.name}" with its variables replaced`);
  const task = boundTask(state, budget);
  const make = makerOf(task);
  const spec = make === makeTaskRun ? (resolved?.spec ?? task.taskSpec) : undefined;
  const common: Common = {
    state: { ...state, task },
    resolved,
    definition: taskRunDefinition(task, context.results, budget),
    workspaces:
      make === makePipelineRun
        ? nestedWorkspaces(context.run, context.workspaces, task)
        : taskRunWorkspaces(context.run, context.workspaces, task, spec),
  };
  const existing = new Set(state.children.map(({ name }) => name));
  const made: NewChild[] = [];
  const all = combinations(task, context.settings);
  for (const [index, combination] of all.entries()) {
    const place = all.length > 1 ? index : undefined;
    const name = childName(context.run, state, place);
    if (existing.has(name)) continue;
    if (context.room.isUsedUp) break;
    const params = [...combination, ...(task.params ?? [])];
    checkEnumValues(task, params, spec, context.settings);
    const child = withSource(make(name, params, common, context), context.inheritance, state, place);
    context.room.take(child);
    made.push(child);
  }
  return made;
}

/** The task with results of others and what it knows of itself replaced. */
function boundTask({ task, known }: TaskState, budget: Budget): PipelineTask {
  return replaceInTask(
    known ? replaceInGiven(task, known, budget) : task,
    stringReplacements({ 'context.pipelineTask.retries': String(task.retries ?? 0) }),
    budget,
  );
}

/** The name of a run of a task, of a later attempt when there was one before. */
function childName(run: PipelineRun, { name, again }: TaskState, place: number | undefined): string {
  const first = taskChildName(run, name, place);
  return again.get(first) ?? first;
}

function makerOf(
  task: PipelineTask,
): (name: string, params: Param[], common: Common, context: ChildContext) => NewChild {
  if (isNestedPipeline(task)) return makePipelineRun;
  return isCustomTask(task) ? makeCustomRun : makeTaskRun;
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
