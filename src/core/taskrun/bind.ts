import type { Step, Sidecar, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding, WorkspaceDeclaration, WorkspaceUsage } from '../../api/pipeline/v1/workspace.ts';
import { shortHash } from '../naming.ts';
import { quote } from '../podstatus/quote.ts';
import { paramReplacements } from '../params/replacements.ts';
import { paths, stepContainerName } from '../pod/names.ts';
import { allDeclarations, mountPathOf, workspaceVolumes } from '../pod/workspaces.ts';
import { Budget } from '../budget.ts';
import type { Definition } from '../reference/resolved.ts';
import type { ActionPart } from './stepaction.ts';
import { replaceDeep, replaceInTurn, Replacements, stringReplacements } from '../substitution/replacements.ts';

/**
 * A Task with the values of one run in the place of its variables (docs/variables.md). As upstream, kinds of variables
 * are replaced one after the other, so that a param may hold `$(context.taskRun.name)`. Left as they are:
 * `steps.x.results.y` and artifacts, which only exist while the pod runs, and `context.task.retry-count`, which a later
 * attempt must see anew.
 * @param actions what steps take from StepActions, by their number
 */
export function bindTask(
  taskRun: TaskRun,
  { name, spec }: Pick<Definition<'Task'>, 'name' | 'spec'>,
  bindings: readonly WorkspaceBinding[],
  actions: ReadonlyMap<number, ActionPart> = new Map(),
): TaskSpec {
  const values = [...runValues(taskRun, spec, name), resultReplacements(spec)];
  const budget = bindingBudget(taskRun);
  const inTurn = <T>(tree: T, kinds: readonly Replacements[]): T => replaceInTurn(tree, kinds, budget);
  const workspaces = allDeclarations(spec, bindings).map((declaration) => inTurn(declaration, values));
  const last = workspaceReplacements(workspaces, bindings, taskRun.metadata.uid ?? taskRun.metadata.name ?? '');
  const bound: TaskSpec = { ...spec };
  if (workspaces.length > 0) bound.workspaces = workspaces;
  if (spec.steps)
    bound.steps = spec.steps.map((step, index) =>
      bindStep(step, index, { values, last, budget, action: actions.get(index) }),
    );
  if (spec.sidecars)
    bound.sidecars = spec.sidecars.map((sidecar) => ({
      ...bindContainer(sidecar, values, last, budget),
      ...(sidecar.name === undefined ? {} : { name: inTurn(sidecar.name, values) }),
    }));
  if (spec.stepTemplate) bound.stepTemplate = inTurn(spec.stepTemplate, [...values, last]);
  if (spec.volumes) bound.volumes = spec.volumes.map((volume) => inTurn(volume, [...values, last]));
  return bound;
}

/** What its text may grow by when variables are replaced in it. */
export function bindingBudget(taskRun: TaskRun): Budget {
  return new Budget(
    `TaskRun ${quote(taskRun.metadata.name ?? '')} with its variables replaced`,
    'give smaller params, use them less often, or hand large data on in a workspace',
  );
}

/**
 * Params, then names of the run and its Task: what a run's own fields may hold too. `inputs.params.x` is how Tasks of
 * 2019 wrote `params.x`; upstream still takes it, and many Tasks have it.
 */
export function runValues(taskRun: TaskRun, spec: TaskSpec, taskName: string): Replacements[] {
  return [
    paramReplacements(spec.params ?? [], taskRun.spec.params ?? [], 'params', 'inputs.params'),
    contextReplacements(taskRun, taskName),
  ];
}

/** What is replaced only in the pod: the number of this attempt, and where credentials are. */
export function bindAttempt(taskRun: TaskRun, spec: TaskSpec): TaskSpec {
  const r = stringReplacements({
    'context.task.retry-count': String(taskRun.status?.retriesStatus?.length ?? 0),
    'credentials.path': paths.creds,
  });
  return replaceDeep(spec, r, bindingBudget(taskRun));
}

/**
 * The run's workspace bindings with variables replaced and templates turned into the claims that are made from them,
 * and the operator's default binding for required workspaces that the run leaves out.
 */
export function bindWorkspaces(
  taskRun: TaskRun,
  spec: TaskSpec,
  fallback: Omit<WorkspaceBinding, 'name'> | undefined,
): WorkspaceBinding[] {
  const values = runValues(taskRun, spec, '');
  const budget = bindingBudget(taskRun);
  const given = taskRun.spec.workspaces ?? [];
  const names = new Set(given.map((binding) => binding.name));
  const missing =
    fallback === undefined
      ? []
      : (spec.workspaces ?? []).filter((declaration) => !declaration.optional && !names.has(declaration.name));
  return [...given, ...missing.map((declaration): WorkspaceBinding => ({ ...fallback, name: declaration.name }))].map(
    (binding) => {
      const { volumeClaimTemplate, ...rest } = replaceInTurn(binding, values, budget);
      return volumeClaimTemplate === undefined
        ? rest
        : { ...rest, persistentVolumeClaim: { claimName: claimName(taskRun, binding) } };
    },
  );
}

/**
 * Name of the claim made for a binding: `<template name or pvc>-<10 hex digits of workspace and owner>`, as upstream.
 */
export function claimName(taskRun: TaskRun, binding: WorkspaceBinding): string {
  return `${binding.volumeClaimTemplate?.metadata?.name || 'pvc'}-${shortHash(binding.name + (taskRun.metadata.uid ?? ''))}`;
}

function contextReplacements(taskRun: TaskRun, taskName: string): Replacements {
  return stringReplacements({
    'context.taskRun.name': taskRun.metadata.name ?? '',
    'context.taskRun.namespace': taskRun.metadata.namespace ?? '',
    'context.taskRun.uid': taskRun.metadata.uid ?? '',
    'context.task.name': taskName,
  });
}

interface StepBinding {
  /** The Task's params before all others. */
  values: readonly Replacements[];
  last: Replacements;
  budget: Budget;
  action: ActionPart | undefined;
}

/** What comes from a StepAction has its params in place and knows none of the Task's. */
function bindStep(step: Step, index: number, { values, last, budget, action }: StepBinding): Step {
  if (action === undefined) return bindContainer(step, [...values, stepReplacements(step, index)], last, budget);
  const { ref: _ref, params: _params, ...own } = step;
  const [ofTask, ...others] = values;
  const inlined = { ...(ofTask ? replaceDeep(own, ofTask, budget) : own), ...action };
  return bindContainer(inlined, [...others, stepReplacements(inlined, index)], last, budget);
}

/**
 * A container with its own view of things first; a workspace that it takes for itself may be mounted elsewhere for it.
 */
function bindContainer<T extends Step | Sidecar>(
  container: T,
  own: readonly Replacements[],
  last: Replacements,
  budget: Budget,
): T {
  const { name, ...rest } = container;
  const isolated = isolatedPaths(replaceInTurn(container.workspaces ?? [], own, budget));
  const bound = { ...container, ...replaceInTurn(rest, [...own, ...isolated, last], budget) };
  // A result's declaration is no text of the user's container.
  if ('results' in container && container.results !== undefined) Object.assign(bound, { results: container.results });
  return bound;
}

/** `<prefix>.<name>.path` in all spellings. */
function pathsUnder(
  prefix: string,
  entries: readonly (readonly [name: string, path: string])[],
  texts?: ReadonlyMap<string, string>,
): Replacements {
  return Replacements.ofValues(new Map([[prefix, new Map(entries.map(([name, path]) => [name, { path }]))]]), texts);
}

function resultReplacements(spec: TaskSpec): Replacements {
  const texts = new Map([['artifacts.path', `${paths.artifacts}/provenance.json`]]);
  (spec.steps ?? []).forEach((step, index) => {
    const container = stepContainerName(step.name, index);
    texts.set(`steps.${container}.exitCode.path`, `${paths.steps}/${container}/exitCode`);
  });
  return pathsUnder(
    'results',
    (spec.results ?? []).map(({ name }) => [name, `${paths.results}/${name}`]),
    texts,
  );
}

/** A step's view of itself. */
function stepReplacements(step: Step, index: number): Replacements {
  const folder = `${paths.steps}/${stepContainerName(step.name, index)}`;
  return pathsUnder(
    'step.results',
    (step.results ?? []).map(({ name }) => [name, `${folder}/results/${name}`]),
    new Map([['step.artifacts.path', `${folder}/artifacts/provenance.json`]]),
  );
}

function workspaceReplacements(
  declarations: readonly WorkspaceDeclaration[],
  bindings: readonly WorkspaceBinding[],
  owner: string,
): Replacements {
  const volumes = workspaceVolumes(bindings, owner);
  const bound = new Map(bindings.map((binding) => [binding.name, binding]));
  const values = declarations.map((declaration): [string, Record<string, string>] => {
    const binding = bound.get(declaration.name);
    const isLeftOut = declaration.optional === true && binding === undefined;
    const view = {
      bound: isLeftOut ? 'false' : 'true',
      path: isLeftOut ? '' : mountPathOf(declaration),
      claim: binding?.persistentVolumeClaim?.claimName ?? '',
      volume: volumes.get(declaration.name)?.name ?? '',
    };
    return [declaration.name, view];
  });
  return Replacements.ofValues(new Map([['workspaces', new Map(values)]]));
}

/** Workspaces that a container mounts elsewhere for itself. */
function isolatedPaths(usages: readonly WorkspaceUsage[]): Replacements[] {
  const elsewhere = usages.flatMap(({ name, mountPath }) => (mountPath ? [[name, mountPath] as const] : []));
  return elsewhere.length === 0 ? [] : [pathsUnder('workspaces', elsewhere)];
}
