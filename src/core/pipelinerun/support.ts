import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { isCustomTask } from './child/customrun.ts';

/**
 * The field of a pipeline task that asks for something this version cannot run, with what to do instead; undefined when
 * all of it can run. Never passed over in silence: the run ends with this text.
 */
export function unsupportedField(task: PipelineTask): string | undefined {
  const { taskRef, taskSpec, pipelineRef, pipelineSpec } = task;
  if (pipelineSpec !== undefined) return undefined;
  if (pipelineRef !== undefined)
    return isNamed(pipelineRef) ? undefined : 'pipelineRef.name: missing; name a Pipeline of this namespace';
  if (taskRef === undefined && taskSpec === undefined)
    return 'taskRef: expected exactly one, got neither: taskRef, taskSpec';
  if (taskRef !== undefined && !isCustomTask(task) && !isNamed(taskRef))
    return 'taskRef.name: missing; name a Task of this namespace';
  return undefined;
}

function isNamed({ name, resolver }: { name?: string | undefined; resolver?: string | undefined }): boolean {
  return Boolean(resolver || name);
}
