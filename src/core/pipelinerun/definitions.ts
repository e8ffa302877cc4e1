import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { toParamValue, type PipelineRef } from '../../api/pipeline/v1/params.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { askDefinitions, type DefinitionNeed, type Planning } from '../need.ts';
import { isSettled, keyOf, referenceOf, type Reference } from '../reference/reference.ts';
import type { Resolved } from '../reference/resolved.ts';
import { replaceDeep } from '../substitution/replacements.ts';
import { TooLargeError } from '../budget.ts';
import { bindingBudget, runReplacements } from './bind.ts';
import { isCustomTask } from './child/customrun.ts';
import { RunFailure, userError } from './failure.ts';
import { nameOf, taskChildName } from './names.ts';

type Failure = Extract<Resolved, { kind: 'failed' }>;

/** What became of the Tasks that pipeline tasks refer to, by `keyOf` their references. */
export type ResolvedTasks = Map<string, Resolved<'Task'>>;

/** Asks for the Pipeline of a run; undefined when it embeds one, has one in its status, or names none. */
export function* askPipeline(run: PipelineRun): Planning<Resolved<'Pipeline'> | undefined, DefinitionNeed<'Pipeline'>> {
  const { status, spec, metadata } = run;
  if (status?.pipelineSpec !== undefined || spec.pipelineSpec !== undefined || !spec.pipelineRef) return undefined;
  try {
    const reference = referenceOf('Pipeline', withValues(run, spec.pipelineRef));
    if (reference === undefined) return undefined;
    const [resolved] = yield* askDefinitions([need(run, reference, metadata.name ?? '')]);
    return resolved;
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    return { kind: 'failed', reason: 'Invalid', message: userError(error.message) };
  }
}

/** The params of a resolver may hold those of the run. */
function withValues(run: PipelineRun, ref: PipelineRef): PipelineRef {
  return ref.resolver ? replaceDeep(ref, runReplacements(run, '', {}), bindingBudget('spec.pipelineRef')) : ref;
}

/** Asks for the Tasks that some pipeline tasks refer to; references that depend on a result wait for it. */
export function* askTasks(
  run: PipelineRun,
  tasks: readonly PipelineTask[],
): Planning<ResolvedTasks, DefinitionNeed<'Task'>> {
  const needs = new Map<string, DefinitionNeed<'Task'>>();
  for (const task of tasks) {
    const reference = taskReference(task);
    if (reference === undefined || !isSettled(reference)) continue;
    const key = keyOf(reference);
    if (!needs.has(key)) needs.set(key, need(run, reference, taskChildName(run, task.name ?? '')));
  }
  const answers = yield* askDefinitions([...needs.values()]);
  return new Map([...needs.keys()].flatMap((key, index) => (answers[index] ? [[key, answers[index]] as const] : [])));
}

function need<K extends 'Task' | 'Pipeline'>(
  { metadata: { namespace = '' }, status }: PipelineRun,
  reference: Reference<K>,
  requestName: string,
): DefinitionNeed<K> {
  return { type: 'definition', namespace, reference, requestName, fresh: status?.startTime === undefined };
}

/** The Task that a pipeline task refers to; undefined when it embeds one, or is a custom task. */
export function taskReference(task: PipelineTask): Reference<'Task'> | undefined {
  return task.taskRef && !isCustomTask(task) ? referenceOf('Task', task.taskRef) : undefined;
}

/** Why a run ends for want of its Pipeline. Reasons and words are upstream's. */
export function pipelineFailure(run: PipelineRun, failure: Failure): RunFailure {
  if (failure.reason === 'Untrusted')
    return untrusted(run, run.spec.pipelineRef?.name || 'pipelineRef', failure.message);
  const resolver = run.spec.pipelineRef?.resolver ?? '';
  const why =
    failure.reason === 'Unsupported'
      ? userError(
          `spec.pipelineRef.resolver: "${resolver}": remote references are not supported by this version; apply the Pipeline to the namespace and refer to it by name`,
        )
      : failure.message;
  return new RunFailure('CouldntGetPipeline', `Error retrieving pipeline for pipelinerun ${nameOf(run)}: ${why}`);
}

/** Why a run ends for want of a Task. Reasons and words are upstream's. */
export function taskFailure(
  run: PipelineRun,
  pipeline: { name: string; spec: PipelineSpec },
  task: PipelineTask,
  failure: Failure,
): RunFailure {
  const name = `${run.metadata.namespace}/${pipeline.name}`;
  if (failure.reason === 'Untrusted') return untrusted(run, task.name ?? '', failure.message);
  if (failure.reason === 'Unsupported') {
    const problem = `${pathOf(pipeline.spec, task)}.taskRef.resolver: "${task.taskRef?.resolver}": remote references are not supported by this version; apply the Task to the namespace and refer to it by name`;
    return new RunFailure(
      'PipelineValidationFailed',
      `Pipeline ${name} can't be Run; it has an invalid spec: ${userError(problem)}`,
    );
  }
  return new RunFailure(
    'CouldntGetTask',
    `Pipeline ${name} can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task "${shownName(task)}": ${failure.message}`,
  );
}

function untrusted(run: PipelineRun, resource: string, why: string): RunFailure {
  return new RunFailure(
    'ResourceVerificationFailed',
    `PipelineRun ${nameOf(run)} referred resource ${resource} failed signature verification: ${why}`,
  );
}

/** Resolvers take the name among their params. */
function shownName({ taskRef }: PipelineTask): string {
  const named = toParamValue(taskRef?.params?.find(({ name }) => name === 'name')?.value);
  return taskRef?.name || (typeof named === 'string' && named) || (taskRef?.resolver ?? '');
}

function pathOf({ tasks = [], finally: last = [] }: PipelineSpec, { name }: PipelineTask): string {
  const index = tasks.findIndex((task) => task.name === name);
  return index === -1 ? `finally[${last.findIndex((task) => task.name === name)}]` : `tasks[${index}]`;
}
