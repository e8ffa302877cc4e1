import { posix } from 'node:path';
import type { EmbeddedTask, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { referencesIn } from '../../api/variables/scan.ts';
import { shortHash } from '../naming.ts';
import { RunFailure, userError } from './failure.ts';
import { runReference } from '../owner.ts';
import type { ClaimObject } from './types.ts';

/**
 * Name of the claim made for a workspace with a volumeClaimTemplate: the same on every reconcile, another for every
 * run.
 */
export function claimName(binding: WorkspaceBinding, runUid: string): string {
  return `${binding.volumeClaimTemplate?.metadata?.name || 'pvc'}-${shortHash(binding.name + runUid)}`;
}

/** The claims that a run's volumeClaimTemplates ask for, owned by the run. */
export function claimsOf(
  run: PipelineRun,
  workspaces: readonly WorkspaceBinding[],
): { workspace: string; claim: ClaimObject }[] {
  return workspaces.flatMap((binding) => {
    const template = binding.volumeClaimTemplate;
    if (template === undefined) return [];
    const { labels, annotations } = template.metadata ?? {};
    const metadata = {
      name: claimName(binding, run.metadata.uid ?? ''),
      namespace: run.metadata.namespace ?? '',
      labels,
      annotations,
      ownerReferences: [runReference('PipelineRun', run.metadata)],
    };
    return [
      {
        workspace: binding.name,
        claim: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: template.spec ?? {} },
      },
    ];
  });
}

/**
 * Bindings of one TaskRun: for each workspace of the pipeline task, the run's binding under the task's name, subPaths
 * joined. An embedded spec also gets the workspaces it names in variables (propagated workspaces).
 * @throws RunFailure when the run does not bind a workspace that the task does not call optional
 */
export function taskRunWorkspaces(
  run: PipelineRun,
  byName: ReadonlyMap<string, WorkspaceBinding>,
  task: PipelineTask,
  spec: TaskSpec | undefined,
): WorkspaceBinding[] {
  const wanted = [
    ...(task.workspaces ?? []),
    ...propagatedWorkspaces(task, byName).map((name) => ({ name, workspace: undefined, subPath: undefined })),
  ];
  const optional = new Set((spec?.workspaces ?? []).filter((one) => one.optional).map((one) => one.name));
  return wanted.flatMap(({ name, workspace, subPath }) => {
    const source = workspace || name;
    const binding = byName.get(source);
    if (binding !== undefined)
      return [{ ...bindingFor(binding, name, run.metadata.uid ?? ''), ...subPathOf(task, binding, name, subPath) }];
    if (optional.has(name)) return [];
    const problem = `expected workspace "${source}" to be provided by pipelinerun for pipeline task "${task.name}"`;
    throw new RunFailure('CreateRunFailed', userError(`${problem}; add it to spec.workspaces of the PipelineRun`));
  });
}

/** Workspaces that an embedded spec uses as `$(workspaces.<name>.…)` without the pipeline task binding them. */
function propagatedWorkspaces(task: PipelineTask, bound: ReadonlyMap<string, WorkspaceBinding>): string[] {
  if (task.taskSpec === undefined) return [];
  const known = new Set(task.workspaces?.map((workspace) => workspace.name));
  const optional = new Set(
    task.taskSpec.workspaces?.filter((declared) => declared.optional).map((declared) => declared.name),
  );
  return usedWorkspaces(task.taskSpec).filter((name) => !known.has(name) && (bound.has(name) || !optional.has(name)));
}

function usedWorkspaces({ steps, sidecars, stepTemplate }: EmbeddedTask): string[] {
  const names = referencesIn([steps, sidecars, stepTemplate]).flatMap(
    (reference) => /^workspaces\.([^.]+)\./.exec(reference)?.[1] ?? [],
  );
  return [...new Set(names)];
}

function bindingFor(binding: WorkspaceBinding, name: string, runUid: string): WorkspaceBinding {
  const { volumeClaimTemplate, subPath: _outer, ...rest } = binding;
  if (volumeClaimTemplate === undefined) return { ...rest, name };
  return { ...rest, name, persistentVolumeClaim: { claimName: claimName(binding, runUid) } };
}

/**
 * The task's subPath within the run's. The task's may come from a result, so from built code: it must not lead out of
 * the directory that the run gives it, which joining would make look harmless to the API server.
 * @throws RunFailure
 */
function subPathOf(
  task: PipelineTask,
  { subPath: outer }: WorkspaceBinding,
  name: string,
  inner: string | undefined,
): { subPath?: string } {
  if (!outer || !inner) return outer || inner ? { subPath: outer || inner } : {};
  const joined = posix.join(outer, inner);
  if (!isWithin(joined, posix.join(outer, '.').replace(/\/$/, ''))) {
    const problem = `subPath "${inner}" of workspace "${name}" of pipeline task "${task.name}" leads out of "${outer}", the subPath that the run gives it; take out ".."`;
    throw new RunFailure('InvalidWorkspaceBindings', userError(problem));
  }
  return { subPath: joined };
}

function isWithin(path: string, directory: string): boolean {
  if (directory === '.' || directory === '') return path !== '..' && !path.startsWith('../');
  return path === directory || path.startsWith(`${directory}/`);
}
