import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { EmbeddedTask } from '../../api/pipeline/v1/pipeline.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { paramReplacements, spellings } from '../params/replacements.ts';
import {
  mergeReplacements,
  replaceDeep,
  replaceParamValue,
  stringReplacements,
  type Replacements,
} from '../substitution/replacements.ts';

/**
 * The pipeline as this run runs it: its params, context and bound workspaces replaced. What is stored in
 * status.pipelineSpec and used from then on, so that a Pipeline changed or deleted later makes no difference.
 */
export function bindPipeline(run: PipelineRun, pipelineName: string, spec: PipelineSpec): PipelineSpec {
  const replacements = mergeReplacements(runReplacements(run, pipelineName, spec), workspaceReplacements(run, spec));
  const bind = (task: PipelineTask) => bindTask(task, replacements);
  return {
    ...spec,
    ...(spec.tasks === undefined ? {} : { tasks: spec.tasks.map(bind) }),
    ...(spec.finally === undefined ? {} : { finally: spec.finally.map(bind) }),
  };
}

/**
 * Params and context. The value of a param may hold `$(context…)`: upstream replaces params first and context after.
 */
function runReplacements(run: PipelineRun, pipelineName: string, spec: PipelineSpec): Replacements {
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
  const bound: Record<string, string> = {};
  for (const { name } of spec.workspaces ?? []) bound[`workspaces.${name}.bound`] = 'false';
  for (const { name } of run.spec.workspaces ?? []) bound[`workspaces.${name}.bound`] = 'true';
  return stringReplacements(bound);
}

/** A run's workspaces with its params and context replaced (claim names, subPaths, ConfigMap names …). */
export function boundWorkspaces(run: PipelineRun, pipelineName: string, spec: PipelineSpec): WorkspaceBinding[] {
  const replacements = runReplacements(run, pipelineName, spec);
  return (run.spec.workspaces ?? []).map((binding) => replaceDeep(binding, replacements));
}

function bindTask(task: PipelineTask, replacements: Replacements): PipelineTask {
  const bound = replaceInTask(task, replacements);
  return {
    ...bound,
    ...(task.onError === undefined ? {} : { onError: replaceDeep(task.onError, replacements) }),
    ...(task.taskSpec === undefined ? {} : { taskSpec: bindEmbedded(task.taskSpec, scopeOf(bound, replacements)) }),
  };
}

/**
 * Replaces in the fields of a pipeline task that a run may fill in; not in its embedded spec (see replaceInTaskSpec).
 */
export function replaceInTask(task: PipelineTask, replacements: Replacements): PipelineTask {
  const changed: PipelineTask = { ...task };
  if (task.params)
    changed.params = task.params.map((param) => ({ ...param, value: replaceParamValue(param.value, replacements) }));
  if (task.matrix) changed.matrix = replaceInMatrix(task.matrix, replacements);
  if (task.when) changed.when = replaceDeep(task.when, replacements);
  if (task.displayName) changed.displayName = replaceDeep(task.displayName, replacements);
  if (task.workspaces) changed.workspaces = replaceDeep(task.workspaces, replacements);
  if (task.taskRef) changed.taskRef = replaceDeep(task.taskRef, replacements);
  return changed;
}

function replaceInMatrix(
  matrix: NonNullable<PipelineTask['matrix']>,
  replacements: Replacements,
): NonNullable<PipelineTask['matrix']> {
  const replace = <P extends { value: Parameters<typeof replaceParamValue>[0] }>(param: P): P => ({
    ...param,
    value: replaceParamValue(param.value, replacements),
  });
  return {
    ...matrix,
    ...(matrix.params ? { params: matrix.params.map(replace) } : {}),
    ...(matrix.include
      ? { include: matrix.include.map((include) => ({ ...include, params: include.params?.map(replace) })) }
      : {}),
  };
}

/**
 * The scope inside an embedded spec: the run's params, but where the pipeline task gives a param of the same name, that
 * one (docs/pipelineruns.md "Scope and Precedence"). Of objects that is decided key by key, as upstream does it.
 */
function scopeOf(task: PipelineTask, outer: Replacements): Replacements {
  const own = (task.params ?? []).filter(({ name }) => spellings('params', name).some((key) => isKnown(outer, key)));
  const fannedOut = new Set(
    [...(task.matrix?.params ?? []), ...(task.matrix?.include ?? []).flatMap((include) => include.params ?? [])].map(
      ({ name }) => name,
    ),
  );
  const given = own.filter(({ name }) => !fannedOut.has(name));
  const inner = paramReplacements([], given);
  const isObjectInBoth = ({ name }: { name: string }) =>
    [inner, outer].every(({ objects }) => objects.has(`params.${name}`));
  const hidden = [...fannedOut, ...given.filter((param) => !isObjectInBoth(param)).map(({ name }) => name)];
  return mergeReplacements(without(outer, hidden), inner);
}

function isKnown(replacements: Replacements, key: string): boolean {
  return replacements.strings.has(key) || replacements.arrays.has(key) || replacements.objects.has(key);
}

/** Without the params of these names, in all their forms. */
function without(replacements: Replacements, names: readonly string[]): Replacements {
  if (names.length === 0) return replacements;
  const forms = names.flatMap((name) => spellings('params', name));
  // Not by prefix: params.a.b may be key b of a, or a param of that name.
  const ofObjects = new Set(
    forms.flatMap((form) => Object.keys(replacements.objects.get(form) ?? {}).map((key) => `${form}.${key}`)),
  );
  const visible = (key: string) =>
    !ofObjects.has(key) && !forms.some((form) => key === form || key.startsWith(`${form}[`));
  const keep = <V>(map: Map<string, V>) => new Map([...map].filter(([key]) => visible(key)));
  return {
    strings: keep(replacements.strings),
    arrays: keep(replacements.arrays),
    objects: keep(replacements.objects),
  };
}

function bindEmbedded(spec: EmbeddedTask, replacements: Replacements): EmbeddedTask {
  const { metadata, ...rest } = replaceInTaskSpec(spec, replacements);
  return { ...rest, ...(metadata === undefined ? {} : { metadata: replaceDeep(metadata, replacements) }) };
}

/**
 * Replaces in what a Task runs: steps, sidecars, volumes, templates and workspaces; its params and results declare and
 * stay.
 */
export function replaceInTaskSpec<T extends EmbeddedTask>(spec: T, replacements: Replacements): T {
  const { steps, sidecars, volumes, stepTemplate, workspaces, displayName } = spec;
  const replaced = replaceDeep({ steps, sidecars, volumes, stepTemplate, workspaces, displayName }, replacements);
  const given = Object.entries(replaced).filter(([, value]) => value !== undefined);
  return given.length === 0 ? spec : { ...spec, ...Object.fromEntries(given) };
}
