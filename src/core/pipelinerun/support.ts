import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { isCustomTask } from './child/customrun.ts';

/**
 * The field of a pipeline task that asks for something this version cannot run, with what to do instead; undefined when
 * all of it can run. Never passed over in silence: the run ends with this text.
 */
export function unsupportedField(task: PipelineTask): string | undefined {
  const { taskRef, taskSpec } = task;
  if (task.pipelineRef !== undefined)
    return instead('pipelineRef', 'pipelines in pipelines', 'list its tasks in this pipeline');
  if (task.pipelineSpec !== undefined)
    return instead('pipelineSpec', 'pipelines in pipelines', 'list its tasks in this pipeline');
  if (taskRef === undefined && taskSpec === undefined)
    return 'taskRef: expected exactly one, got neither: taskRef, taskSpec';
  if (taskRef !== undefined && !isCustomTask(task) && !taskRef.resolver && !taskRef.name)
    return 'taskRef.name: missing; name a Task of this namespace';
  return undefined;
}

function instead(field: string, feature: string, way: string): string {
  return `${field}: ${feature} are not supported by this version; ${way}`;
}
