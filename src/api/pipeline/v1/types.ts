/** The kinds of tekton.dev/v1 whose definitions and runs are stored. */
export type { Pipeline } from './pipeline.ts';
export type { PipelineRun } from './pipelinerun.ts';
export type { Task } from './task.ts';
export type { TaskRun } from './taskrun.ts';
