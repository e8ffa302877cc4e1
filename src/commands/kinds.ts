import type { Condition } from '../api/meta.ts';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../api/resources.ts';
import { labels } from '../core/labels.ts';
import type { KubeObject, Resource } from '../kube/object.ts';

export type Run = PipelineRun | TaskRun;

/** What a run of any kind, custom tasks' as well, has for a list. */
export type RunObject = KubeObject & {
  status?: { startTime?: string; completionTime?: string; conditions?: Condition[] } | undefined;
};

/** What the commands shared by PipelineRuns and TaskRuns must know of each. */
export interface RunKind<T extends Run = Run> {
  resource: Resource<T>;
  /** "PipelineRun" */
  title: string;
  /** The kind that a run is a run of, and the label by which runs of one are found. */
  parent: { title: string; flag: string; label: string; resource: Resource };
  /** Whether this run, found by the label, is truly one of a namespaced Task or Pipeline. */
  isOfParent: (run: T) => boolean;
}

export const pipelineRunKind: RunKind<PipelineRun> = {
  resource: pipelineRuns,
  title: 'PipelineRun',
  parent: { title: 'Pipeline', flag: 'pipeline', label: labels.pipeline, resource: pipelines },
  isOfParent: () => true,
};

export const taskRunKind: RunKind<TaskRun> = {
  resource: taskRuns,
  title: 'TaskRun',
  parent: { title: 'Task', flag: 'task', label: labels.task, resource: tasks },
  // A custom task's label may read the same.
  isOfParent: (run) =>
    run.spec.taskRef === undefined || (run.spec.taskRef.kind ?? 'Task') === 'Task' || run.spec.taskRef.kind === '',
};

/** "pipelinerun.tekton.dev/name": what -o name prints. */
export function objectName(resource: Resource, name: string): string {
  return `${resource.kind.toLowerCase()}${resource.group ? `.${resource.group}` : ''}/${name}`;
}

/** Newest first; a run that has not started comes before all that have. Equal ones keep their order. */
export function byStartTime(a: RunObject, b: RunObject): number {
  return compareStart(a.status?.startTime, b.status?.startTime);
}

/** As byStartTime, namespace by namespace. */
export function byNamespace(a: RunObject, b: RunObject): number {
  const left = a.metadata.namespace ?? '';
  const right = b.metadata.namespace ?? '';
  return left === right ? byStartTime(a, b) : left < right ? -1 : 1;
}

/** Oldest first. */
export function byCreation(a: Run, b: Run): number {
  return Date.parse(a.metadata.creationTimestamp ?? '') - Date.parse(b.metadata.creationTimestamp ?? '');
}

export function compareStart(a: string | undefined, b: string | undefined): number {
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  return Date.parse(b) - Date.parse(a);
}

/** The first condition is the one that tkn reads. */
export function isFinished(run: Run): boolean {
  const condition = run.status?.conditions?.[0];
  return condition !== undefined && condition.status !== 'Unknown';
}

export function hasFailed(run: Run): boolean {
  return run.status?.conditions?.[0]?.status === 'False';
}
