import type { Step, Sidecar, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding, WorkspaceDeclaration, WorkspaceUsage } from '../../api/pipeline/v1/workspace.ts';
import { shortHash } from '../naming.ts';
import { addValue, paramReplacements, spellings } from '../params/replacements.ts';
import { paths, stepContainerName } from '../pod/names.ts';
import { allDeclarations, mountPathOf, workspaceVolumes } from '../pod/workspaces.ts';
import {
  emptyReplacements,
  replaceDeep,
  replaceInTurn,
  stringReplacements,
  type Replacements,
} from '../substitution/replacements.ts';

/**
 * A Task with the values of one run in the place of its variables (docs/variables.md). As upstream, kinds of variables
 * are replaced one after the other, so that a param may hold `$(context.taskRun.name)`. Left as they are:
 * `steps.x.results.y` and artifacts, which only exist while the pod runs, and `context.task.retry-count`, which a later
 * attempt must see anew.
 */
export function bindTask(
  taskRun: TaskRun,
  taskName: string,
  spec: TaskSpec,
  bindings: readonly WorkspaceBinding[],
): TaskSpec {
  const values = [...runValues(taskRun, spec, taskName), resultReplacements(spec)];
  const workspaces = allDeclarations(spec, bindings).map((declaration) => replaceInTurn(declaration, ...values));
  const last = workspaceReplacements(workspaces, bindings, taskRun.metadata.uid ?? taskRun.metadata.name ?? '');
  const bound: TaskSpec = { ...spec };
  if (workspaces.length > 0) bound.workspaces = workspaces;
  if (spec.steps)
    bound.steps = spec.steps.map((step, index) =>
      bindContainer(step, [...values, stepReplacements(step, index)], last),
    );
  if (spec.sidecars) bound.sidecars = spec.sidecars.map((sidecar) => bindContainer(sidecar, values, last));
  if (spec.stepTemplate) bound.stepTemplate = replaceInTurn(spec.stepTemplate, ...values, last);
  if (spec.volumes) bound.volumes = spec.volumes.map((volume) => replaceInTurn(volume, ...values, last));
  return bound;
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
  return replaceDeep(spec, r);
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
  const given = taskRun.spec.workspaces ?? [];
  const names = new Set(given.map((binding) => binding.name));
  const missing =
    fallback === undefined
      ? []
      : (spec.workspaces ?? []).filter((declaration) => !declaration.optional && !names.has(declaration.name));
  return [...given, ...missing.map((declaration): WorkspaceBinding => ({ ...fallback, name: declaration.name }))].map(
    (binding) => {
      const { volumeClaimTemplate, ...rest } = replaceInTurn(binding, ...values);
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

/**
 * A container with its own view of things first; a workspace that it takes for itself may be mounted elsewhere for it.
 */
function bindContainer<T extends Step | Sidecar>(container: T, own: readonly Replacements[], last: Replacements): T {
  const { name, ...rest } = container;
  const bound = {
    ...container,
    ...replaceInTurn(rest, ...own, isolatedPaths(replaceInTurn(container.workspaces ?? [], ...own)), last),
  };
  // A result's declaration is no text of the user's container.
  if ('results' in container && container.results !== undefined) Object.assign(bound, { results: container.results });
  return bound;
}

function resultReplacements(spec: TaskSpec): Replacements {
  const r = stringReplacements({ 'artifacts.path': `${paths.artifacts}/provenance.json` });
  for (const { name } of spec.results ?? []) {
    for (const spelling of spellings('results', name)) r.strings.set(`${spelling}.path`, `${paths.results}/${name}`);
  }
  (spec.steps ?? []).forEach((step, index) => {
    const container = stepContainerName(step.name, index);
    r.strings.set(`steps.${container}.exitCode.path`, `${paths.steps}/${container}/exitCode`);
  });
  return r;
}

/** A step's view of itself. */
function stepReplacements(step: Step, index: number): Replacements {
  const folder = `${paths.steps}/${stepContainerName(step.name, index)}`;
  const r = stringReplacements({ 'step.artifacts.path': `${folder}/artifacts/provenance.json` });
  for (const { name } of step.results ?? []) {
    for (const spelling of spellings('step.results', name))
      r.strings.set(`${spelling}.path`, `${folder}/results/${name}`);
  }
  return r;
}

function workspaceReplacements(
  declarations: readonly WorkspaceDeclaration[],
  bindings: readonly WorkspaceBinding[],
  owner: string,
): Replacements {
  const r = emptyReplacements();
  const volumes = workspaceVolumes(bindings, owner);
  const bound = new Map(bindings.map((binding) => [binding.name, binding]));
  for (const declaration of declarations) {
    const binding = bound.get(declaration.name);
    const isLeftOut = declaration.optional === true && binding === undefined;
    addValue(r, 'workspaces', declaration.name, {
      bound: isLeftOut ? 'false' : 'true',
      path: isLeftOut ? '' : mountPathOf(declaration),
      claim: binding?.persistentVolumeClaim?.claimName ?? '',
      volume: volumes.get(declaration.name)?.name ?? '',
    });
  }
  return r;
}

function isolatedPaths(usages: readonly WorkspaceUsage[]): Replacements {
  const r = emptyReplacements();
  for (const usage of usages) {
    if (!usage.mountPath) continue;
    for (const spelling of spellings('workspaces', usage.name)) r.strings.set(`${spelling}.path`, usage.mountPath);
  }
  return r;
}
