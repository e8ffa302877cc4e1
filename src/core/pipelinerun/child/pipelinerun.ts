import { mergePodTemplates } from '../../../api/core/podtemplate.merge.ts';
import { defaultPipelineRun } from '../../../api/pipeline/v1/defaults.ts';
import type { Param } from '../../../api/pipeline/v1/params.ts';
import type { PipelineSpec, PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { WorkspaceBinding } from '../../../api/pipeline/v1/workspace.ts';
import { referencesIn } from '../../../api/variables/scan.ts';
import { labels } from '../../labels.ts';
import type { Replacements } from '../../substitution/replacements.ts';
import { bindingBudget } from '../bind.ts';
import { nestedTimeout } from '../timeouts.ts';
import { taskRunWorkspaces } from '../workspaces.ts';
import type { NewChild } from './child.ts';
import type { ChildContext, Common } from './context.ts';
import { childMetadata, pipelineLabel, ownedMetadata } from './metadata.ts';
import { definedOnly } from '../../../optional.ts';
import { runtimeSpecs } from './runtime.ts';

/**
 * A PipelineRun of a pipeline within the pipeline. It finds, checks and runs that pipeline as if a user had made it;
 * what its embedded spec uses of the outer params without declaring it is handed on.
 */
export function makePipelineRun(name: string, params: Param[], common: Common, context: ChildContext): NewChild {
  const { run, settings } = context;
  const { task, section } = common.state;
  const { own, template } = runtimeSpecs(context, common.state.name, params, bindingBudget(`PipelineRun ${name}`));
  const spec = nestedSpec(task);
  const metadata = childMetadata(
    { run, metadata: context.metadata, pipelineTask: common.state.name, section, taskRunSpec: own.metadata },
    settings,
  );
  metadata.labels[labels.pipeline] = task.pipelineRef?.name || pipelineLabel({ metadata: { name } });
  const all = [...params, ...propagatedParams(spec, params, context.values)];
  const bare: PipelineRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { ...ownedMetadata(name, run), ...metadata },
    spec: {
      ...(spec ? { pipelineSpec: spec } : { pipelineRef: task.pipelineRef }),
      ...(all.length > 0 ? { params: all } : {}),
      timeouts: { pipeline: nestedTimeout(run, section, own.timeout ?? task.timeout, settings.defaults) },
      taskRunTemplate: definedOnly({
        serviceAccountName: own.serviceAccountName || template?.serviceAccountName,
        podTemplate: mergePodTemplates(own.podTemplate, template?.podTemplate),
      }),
      ...(common.workspaces.length > 0 ? { workspaces: common.workspaces } : {}),
    },
  };
  return { ...defaultPipelineRun(bare, settings.defaults), apiVersion: 'tekton.dev/v1', kind: 'PipelineRun' };
}

/** The pipeline that is written in a pipeline task; admission has seen to its form. */
export function nestedSpec({ pipelineSpec }: PipelineTask): PipelineSpec | undefined {
  return pipelineSpec;
}

/** Params of the outer run that an embedded pipeline uses, at any depth, and neither declares nor is given. */
function propagatedParams(spec: PipelineSpec | undefined, given: readonly Param[], values: Replacements): Param[] {
  if (spec === undefined) return [];
  const known = new Set([...(spec.params ?? []), ...given].map(({ name }) => name));
  const used = referencesIn([spec.tasks, spec.finally]).flatMap(paramOf);
  return [...new Set(used)].flatMap((name) => {
    const value = known.has(name) ? undefined : values.value('params', name);
    return value === undefined ? [] : [{ name, value }];
  });
}

/** `params.x`, with an index or a key behind it, `params['x']` and `params["x"]`. */
function paramOf(reference: string): string[] {
  const match = /^params(?:\.([^.[\]]+)|\[(['"])(.+?)\2\])/.exec(reference);
  const name = match?.[1] ?? match?.[3];
  return name === undefined ? [] : [name];
}

/**
 * Workspaces of a pipeline within the pipeline: those that its task names, and of an embedded one those that it
 * declares or uses and that the run binds. What is not bound, the inner run asks for if it needs it.
 */
export function nestedWorkspaces(
  run: PipelineRun,
  byName: ReadonlyMap<string, WorkspaceBinding>,
  task: PipelineTask,
): WorkspaceBinding[] {
  const spec = nestedSpec(task);
  const named = (task.workspaces ?? []).filter(({ name, workspace }) => byName.has(workspace || name));
  const taken = new Set((task.workspaces ?? []).map(({ name }) => name));
  const used = referencesIn([spec?.tasks, spec?.finally]).flatMap(
    (reference) => /^workspaces\.([^.]+)\./.exec(reference)?.[1] ?? [],
  );
  const outer = new Set([...(spec?.workspaces ?? []).map(({ name }) => name), ...used]);
  const propagated = [...outer].filter((name) => byName.has(name) && !taken.has(name)).map((name) => ({ name }));
  return taskRunWorkspaces(run, byName, { ...task, workspaces: [...named, ...propagated] }, undefined);
}
