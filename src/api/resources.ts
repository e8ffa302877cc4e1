import type { KubeObject, Resource } from '../resource.ts';
import type { Pipeline } from './pipeline/v1/pipeline.ts';
import type { PipelineRun } from './pipeline/v1/pipelinerun.ts';
import type { Task } from './pipeline/v1/task.ts';
import type { TaskRun } from './pipeline/v1/taskrun.ts';

function tekton<T extends KubeObject>(plural: string, kind: string): Resource<T> {
  return { group: 'tekton.dev', version: 'v1', plural, kind, namespaced: true };
}

export const tasks = tekton<Task>('tasks', 'Task');
export const taskRuns = tekton<TaskRun>('taskruns', 'TaskRun');
export const pipelines = tekton<Pipeline>('pipelines', 'Pipeline');
export const pipelineRuns = tekton<PipelineRun>('pipelineruns', 'PipelineRun');
