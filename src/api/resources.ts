import type { Pipeline } from './pipeline/v1/pipeline.ts';
import type { PipelineRun } from './pipeline/v1/pipelinerun.ts';
import type { Task } from './pipeline/v1/task.ts';
import type { TaskRun } from './pipeline/v1/taskrun.ts';

/**
 * How a kind is addressed on the API server. Same shape as `Resource` of src/kube, which this folder may not import.
 */
export interface KindAddress<T> {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Never set; carries T. */
  readonly __type?: T;
}

function tekton<T>(plural: string, kind: string): KindAddress<T> {
  return { group: 'tekton.dev', version: 'v1', plural, kind, namespaced: true };
}

export const tasks = tekton<Task>('tasks', 'Task');
export const taskRuns = tekton<TaskRun>('taskruns', 'TaskRun');
export const pipelines = tekton<Pipeline>('pipelines', 'Pipeline');
export const pipelineRuns = tekton<PipelineRun>('pipelineruns', 'PipelineRun');
