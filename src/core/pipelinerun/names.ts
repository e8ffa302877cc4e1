import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { childName } from '../naming.ts';

/** Namespace and name, as messages have them. */
export function nameOf(run: PipelineRun): string {
  return `${run.metadata.namespace}/${run.metadata.name}`;
}

/**
 * Name of the run of a pipeline task; `index` of one of a fan-out. It follows from the PipelineRun's and the task's
 * alone, so that a restarted controller finds those it made before instead of making more.
 */
export function taskChildName(run: Pick<PipelineRun, 'metadata'>, task: string, index?: number): string {
  return childName(run.metadata.name ?? '', index === undefined ? `-${task}` : `-${task}-${index}`);
}
