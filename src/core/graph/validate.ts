import { fieldError, invalidValue, type FieldError } from '../../api/fielderror.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { taskDependencies } from './dependencies.ts';
import { buildGraph, GraphError } from './graph.ts';

/** Cycles among the tasks of a Pipeline or PipelineRun, and tasks to come after that are not there. */
export function orderErrors(kind: string, spec: unknown): FieldError[] {
  const given = (spec ?? {}) as { pipelineSpec?: PipelineSpec } & PipelineSpec;
  if (kind === 'Pipeline') return ofTasks(given.tasks, 'spec.tasks');
  return kind === 'PipelineRun' && given.pipelineSpec
    ? ofTasks(given.pipelineSpec.tasks, 'spec.pipelineSpec.tasks')
    : [];
}

function ofTasks(tasks: readonly PipelineTask[] = [], path: string): FieldError[] {
  const names = new Set(tasks.map((task) => task.name ?? ''));
  // Told already, of the name that is there twice or missing.
  if (names.size < tasks.length) return [];
  try {
    buildGraph(tasks.map((task) => ({ name: task.name ?? '', dependencies: taskDependencies(task, names) })));
    return [];
  } catch (error) {
    if (error instanceof GraphError) return invalidValue(error.message, path);
    if (error instanceof RangeError) return fieldError('too many references to follow', path);
    throw error;
  }
}
