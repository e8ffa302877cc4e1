import { mergePodTemplates } from '../../../api/core/podtemplate.merge.ts';
import { defaultTaskRun } from '../../../api/pipeline/v1/defaults.ts';
import type { Param } from '../../../api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { Budget } from '../../budget.ts';
import { annotations } from '../../labels.ts';
import type { Replacements } from '../../substitution/replacements.ts';
import { bindingBudget, replaceInTaskSpec } from '../bind.ts';
import { groupLabel, nodeGroup, withGroupAffinity } from '../coschedule.ts';
import { taskRunTimeout } from '../timeouts.ts';
import type { ChildContext, Common } from './context.ts';
import { childMetadata, type ChildOrigin, ownedMetadata } from './metadata.ts';
import { definedOnly } from '../../../optional.ts';
import { runtimeSpecs } from './runtime.ts';

/** A TaskRun of a pipeline task. It has all defaults, so that nobody writes it again, with or without the webhook. */
export function makeTaskRun(
  name: string,
  params: Param[],
  common: Common,
  context: ChildContext,
): TaskRun & { apiVersion: string; kind: 'TaskRun' } {
  const { run, settings } = context;
  const { task, section } = common.state;
  const budget = bindingBudget(`TaskRun ${name} with the params of its template replaced`);
  const { own, template } = runtimeSpecs(context, common.state.name, params, budget);
  const origin: ChildOrigin = {
    run,
    metadata: context.metadata,
    pipelineTask: common.state.name,
    section,
    taskRunSpec: own.metadata,
    embedded: task.taskSpec?.metadata,
    task: common.resolved,
  };
  const metadata = childMetadata(origin, settings);
  if (task.onError === 'continue') metadata.annotations[annotations.pipelineTaskOnError] = 'continue';
  const { workspaces } = common;
  const group = nodeGroup(run, workspaces, settings);
  Object.assign(metadata.labels, groupLabel(group));
  const bare: TaskRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { ...ownedMetadata(name, run), ...metadata },
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
  return { ...defaultTaskRun(bare, settings.defaults), apiVersion: 'tekton.dev/v1', kind: 'TaskRun' };
}

/**
 * What the TaskRun runs. An embedded spec is written out with the results it names; of a reference only what the
 * TaskRun needs.
 */
export function taskRunDefinition(task: PipelineTask, results: Replacements, budget: Budget): Common['definition'] {
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
