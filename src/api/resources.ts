import type { KubeObject, Resource } from '../resource.ts';
import type { Pipeline } from './pipeline/v1/pipeline.ts';
import type { PipelineRun } from './pipeline/v1/pipelinerun.ts';
import type { Task } from './pipeline/v1/task.ts';
import type { TaskRun } from './pipeline/v1/taskrun.ts';
import type { CustomRun } from './pipeline/v1beta1/customrun.ts';
import type { StepAction } from './pipeline/v1beta1/stepaction.ts';

function tekton<T extends KubeObject>(plural: string, kind: string, version = 'v1'): Resource<T> {
  return { group: 'tekton.dev', version, plural, kind, namespaced: true };
}

export const tasks = tekton<Task>('tasks', 'Task');
export const taskRuns = tekton<TaskRun>('taskruns', 'TaskRun');
export const pipelines = tekton<Pipeline>('pipelines', 'Pipeline');
export const pipelineRuns = tekton<PipelineRun>('pipelineruns', 'PipelineRun');
export const stepActions = tekton<StepAction>('stepactions', 'StepAction', 'v1beta1');
export const customRuns = tekton<CustomRun>('customruns', 'CustomRun', 'v1beta1');
