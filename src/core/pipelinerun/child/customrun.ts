import type { Param } from '../../../api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import type { CustomRun, CustomRunSpec } from '../../../api/pipeline/v1beta1/customrun.ts';
import { bindingBudget } from '../bind.ts';
import { groupLabel, nodeGroup } from '../coschedule.ts';
import type { NewChild } from './child.ts';
import type { ChildContext, Common } from './context.ts';
import { childMetadata, ownedMetadata } from './metadata.ts';
import { definedOnly } from '../../../optional.ts';
import { runtimeSpecs } from './runtime.ts';

/**
 * A CustomRun of a pipeline task: another controller does it (docs/customruns.md). Retries and time limit are that
 * controller's to keep; a default time limit, which it may not know of, is not written.
 */
export function makeCustomRun(name: string, params: Param[], common: Common, context: ChildContext): NewChild {
  const { run, settings } = context;
  const { task, section } = common.state;
  const { own, template } = runtimeSpecs(context, common.state.name, params, bindingBudget(`CustomRun ${name}`));
  const metadata = childMetadata(
    {
      run,
      metadata: context.metadata,
      pipelineTask: common.state.name,
      section,
      taskRunSpec: own.metadata,
    },
    settings,
  );
  const { workspaces } = common;
  Object.assign(metadata.labels, groupLabel(nodeGroup(run, workspaces, settings)));
  const made: CustomRun & { apiVersion: string; kind: 'CustomRun' } = {
    apiVersion: 'tekton.dev/v1beta1',
    kind: 'CustomRun',
    metadata: { ...ownedMetadata(name, run), ...metadata },
    spec: {
      ...(params.length > 0 ? { params } : {}),
      ...customDefinition(task),
      ...(task.retries ? { retries: task.retries } : {}),
      ...definedOnly({
        serviceAccountName:
          own.serviceAccountName || template?.serviceAccountName || settings.defaults.serviceAccount || undefined,
        timeout: own.timeout ?? task.timeout,
      }),
      ...(workspaces.length > 0 ? { workspaces } : {}),
    },
  };
  return made;
}

function customDefinition({ taskRef, taskSpec }: PipelineTask): Pick<CustomRunSpec, 'customRef' | 'customSpec'> {
  if (taskRef !== undefined) return { customRef: taskRef };
  const { apiVersion, kind, metadata, spec } = taskSpec ?? {};
  return { customSpec: definedOnly({ apiVersion, kind, metadata, spec: spec ?? {} }) };
}

/** Any apiVersion with a kind means a custom task, except a Task of our own group written out in full. */
export function isCustomTask({ taskRef, taskSpec }: Pick<PipelineTask, 'taskRef' | 'taskSpec'>): boolean {
  if (taskRef?.apiVersion && taskRef.kind)
    return !(taskRef.kind === 'Task' && taskRef.apiVersion.startsWith('tekton.dev/'));
  return Boolean(taskSpec?.apiVersion && taskSpec.kind);
}
