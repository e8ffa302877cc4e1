import type { ParamSpec } from '../../api/pipeline/v1/params.ts';
import type { Pipeline } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Task } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { ParamSource } from './params.ts';

export type DefinitionKind = 'Pipeline' | 'Task';

/** What is to be started; `spec` is in the stored form. */
export type Definition =
  { kind: 'Pipeline'; name: string; spec: Pipeline['spec'] } | { kind: 'Task'; name: string; spec: Task['spec'] };

/** How the definition comes into the run: by name, or written in place. */
export type Origin = 'cluster' | 'file';

export function paramSource({ kind, name, spec }: Definition): ParamSource {
  return { title: `${kind} ${name}`, specs: spec.params ?? [] };
}

/** What an earlier run's params were declared as: its record, its own spec, else what its values look like. */
export function recordedSpecs(run: PipelineRun | TaskRun): ParamSpec[] {
  const spec = run.spec as { pipelineSpec?: { params?: ParamSpec[] }; taskSpec?: { params?: ParamSpec[] } };
  const status = (run.status ?? {}) as typeof spec;
  const specs = [status.pipelineSpec, status.taskSpec, spec.pipelineSpec, spec.taskSpec];
  const recorded = specs.find((each) => each?.params);
  return recorded?.params ?? (run.spec.params ?? []).map(({ name, value }) => ({ name, default: value }));
}
