import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { toParamValue } from '../../api/pipeline/v1/params.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { EmbeddedTask } from '../../api/pipeline/v1/pipeline.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { Budget, TooLargeError } from '../budget.ts';
import { paramReplacements, valuesUnder } from '../params/replacements.ts';
import {
  mergeReplacements,
  replaceDeep,
  replaceParamValue,
  Replacements,
  stringReplacements,
} from '../substitution/replacements.ts';

/**
 * The pipeline as this run runs it: its params, context and bound workspaces replaced. What is stored in
 * status.pipelineSpec and used from then on, so that a Pipeline changed or deleted later makes no difference.
 */
export function bindPipeline(run: PipelineRun, pipelineName: string, spec: PipelineSpec): PipelineSpec {
  const replacements = mergeReplacements(runReplacements(run, pipelineName, spec), workspaceReplacements(run, spec));
  const budget = bindingBudget(`Pipeline ${pipelineName} with its variables replaced`);
  const bind = (task: PipelineTask) => bindTask(task, replacements, budget);
  return {
    ...spec,
    ...(spec.tasks === undefined ? {} : { tasks: spec.tasks.map(bind) }),
    ...(spec.finally === undefined ? {} : { finally: spec.finally.map(bind) }),
  };
}

/** What text may grow by when variables are replaced in it. */
export function bindingBudget(what: string): Budget {
  return new Budget(what, 'give smaller params, use them less often, or hand large data on in a workspace');
}

/**
 * Params and context. The value of a param may hold `$(context…)`: upstream replaces params first and context after.
 */
export function runReplacements(
  run: PipelineRun,
  pipelineName: string,
  spec: Pick<PipelineSpec, 'params'>,
): Replacements {
  const context = contextReplacements(run, pipelineName);
  return mergeReplacements(
    paramReplacements(replaceDeep(spec.params ?? [], context), replaceDeep(run.spec.params ?? [], context)),
    context,
  );
}

/** An embedded pipeline goes by the name of its run. */
export function pipelineNameOf(run: PipelineRun): string {
  return run.spec.pipelineRef?.name || (run.metadata.name ?? '');
}

export function contextReplacements(run: PipelineRun, pipelineName: string): Replacements {
  const { name = '', namespace = '', uid = '' } = run.metadata;
  return stringReplacements({
    'context.pipelineRun.name': name,
    'context.pipelineRun.namespace': namespace,
    'context.pipelineRun.uid': uid,
    'context.pipeline.name': pipelineName,
  });
}

function workspaceReplacements(run: PipelineRun, spec: PipelineSpec): Replacements {
  const bound = new Map<string, string>();
  for (const { name } of spec.workspaces ?? []) bound.set(`workspaces.${name}.bound`, 'false');
  for (const { name } of run.spec.workspaces ?? []) bound.set(`workspaces.${name}.bound`, 'true');
  return Replacements.ofTexts(bound);
}

/** Those of a run's workspaces that a claim is made for: none where they are too large, as none was made then. */
export function claimedWorkspaces(run: PipelineRun, spec: PipelineSpec): WorkspaceBinding[] {
  try {
    const all = boundWorkspaces(run, pipelineNameOf(run), spec);
    return all.filter(({ volumeClaimTemplate }) => volumeClaimTemplate !== undefined);
  } catch (error) {
    if (error instanceof TooLargeError) return [];
    throw error;
  }
}

/** A run's workspaces with its params and context replaced (claim names, subPaths, ConfigMap names …). */
export function boundWorkspaces(run: PipelineRun, pipelineName: string, spec: PipelineSpec): WorkspaceBinding[] {
  const replacements = runReplacements(run, pipelineName, spec);
  const budget = bindingBudget(`workspaces of PipelineRun ${run.metadata.name ?? ''} with their variables replaced`);
  return (run.spec.workspaces ?? []).map((binding) => replaceDeep(binding, replacements, budget));
}

function bindTask(task: PipelineTask, replacements: Replacements, budget: Budget): PipelineTask {
  const bound = replaceInTask(task, replacements, budget);
  const { onError, taskSpec } = task;
  return {
    ...bound,
    ...(onError === undefined ? {} : { onError: replaceDeep(onError, replacements, budget) }),
    ...(taskSpec === undefined ? {} : { taskSpec: bindEmbedded(taskSpec, scopeOf(bound, replacements), budget) }),
  };
}

/**
 * Replaces in the fields of a pipeline task that a run may fill in; not in its embedded spec (see replaceInTaskSpec).
 */
export function replaceInTask(task: PipelineTask, replacements: Replacements, budget?: Budget): PipelineTask {
  const spent = budget ?? bindingBudget(`pipeline task "${task.name}" with its variables replaced`);
  return replaceInGiven(replaceInShown(task, replacements, spent), replacements, spent);
}

/** In what decides whether and how often a task runs, and in what the status of the run shows of it. */
export function replaceInShown(task: PipelineTask, replacements: Replacements, budget: Budget): PipelineTask {
  const changed: PipelineTask = { ...task };
  if (task.matrix) changed.matrix = replaceInMatrix(task.matrix, replacements, budget);
  if (task.when) changed.when = replaceDeep(task.when, replacements, budget);
  if (task.displayName) changed.displayName = replaceDeep(task.displayName, replacements, budget);
  if (task.taskRef) changed.taskRef = replaceDeep(task.taskRef, replacements, budget);
  if (task.pipelineRef) changed.pipelineRef = replaceDeep(task.pipelineRef, replacements, budget);
  return changed;
}

/** In what only its TaskRuns get. */
export function replaceInGiven(task: PipelineTask, replacements: Replacements, budget: Budget): PipelineTask {
  const changed: PipelineTask = { ...task };
  if (task.params) changed.params = task.params.map((param) => replaceInParam(param, replacements, budget));
  if (task.workspaces) changed.workspaces = replaceDeep(task.workspaces, replacements, budget);
  return changed;
}

function replaceInParam<P extends { value: Parameters<typeof replaceParamValue>[0] }>(
  param: P,
  replacements: Replacements,
  budget: Budget,
): P {
  return { ...param, value: replaceParamValue(param.value, replacements, budget) };
}

function replaceInMatrix(
  matrix: NonNullable<PipelineTask['matrix']>,
  replacements: Replacements,
  budget: Budget,
): NonNullable<PipelineTask['matrix']> {
  const { params, include } = matrix;
  return {
    ...matrix,
    ...(params ? { params: params.map((param) => replaceInParam(param, replacements, budget)) } : {}),
    ...(include
      ? {
          include: include.map((entry) => ({
            ...entry,
            params: entry.params?.map((param) => replaceInParam(param, replacements, budget)),
          })),
        }
      : {}),
  };
}

/**
 * The scope inside an embedded spec: the run's params, but where the pipeline task gives a param of the same name, that
 * one (docs/pipelineruns.md "Scope and Precedence"). Of objects that is decided key by key, as upstream does it.
 */
function scopeOf(task: PipelineTask, outer: Replacements): Replacements {
  const fannedOut = new Set(
    [...(task.matrix?.params ?? []), ...(task.matrix?.include ?? []).flatMap((include) => include.params ?? [])].map(
      ({ name }) => name,
    ),
  );
  const given = (task.params ?? []).filter(
    ({ name }) => outer.value('params', name) !== undefined && !fannedOut.has(name),
  );
  const inner = new Map(given.map(({ name, value }) => [name, toParamValue(value)]));
  const isObjectInBoth = ({ name }: { name: string }) =>
    [inner.get(name), outer.value('params', name)].every((value) => typeof value === 'object' && !Array.isArray(value));
  const hidden = [...fannedOut, ...given.filter((param) => !isObjectInBoth(param)).map(({ name }) => name)];
  return mergeReplacements(outer.withoutParams(hidden), valuesUnder(inner, ['params']));
}

function bindEmbedded(spec: EmbeddedTask, replacements: Replacements, budget: Budget): EmbeddedTask {
  const { metadata, ...rest } = replaceInTaskSpec(spec, replacements, budget);
  return { ...rest, ...(metadata === undefined ? {} : { metadata: replaceDeep(metadata, replacements, budget) }) };
}

/**
 * Replaces in what a Task runs: steps, sidecars, volumes, templates and workspaces; its params and results declare and
 * stay.
 */
export function replaceInTaskSpec<T extends EmbeddedTask>(spec: T, replacements: Replacements, budget?: Budget): T {
  const { steps, sidecars, volumes, stepTemplate, workspaces, displayName } = spec;
  const parts = { steps, sidecars, volumes, stepTemplate, workspaces, displayName };
  const replaced = replaceDeep(parts, replacements, budget ?? bindingBudget('an embedded taskSpec'));
  const given = Object.entries(replaced).filter(([, value]) => value !== undefined);
  return given.length === 0 ? spec : { ...spec, ...Object.fromEntries(given) };
}
