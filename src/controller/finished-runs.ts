import { isDone } from '../core/condition.ts';
import { childOf, type ChildKind, type ChildObject } from '../core/pipelinerun/child/child.ts';
import { keyOf } from '../kube/object.ts';
import { controllerKey } from '../kube/owners.ts';
import type { Pod } from '../kube/resources.ts';
import type { Change } from '../kube/store.ts';
import type { Caches } from './caches.ts';
import type { Leaders } from './leadership.ts';
import type { ChildMetrics } from './metrics/child.ts';
import type { PipelineRunMetrics } from './metrics/pipeline-run.ts';
import type { PodLatency, TaskRunMetrics } from './metrics/task-run.ts';

export interface FinishedRunMetrics {
  taskRuns: Pick<TaskRunMetrics, 'done'>;
  pipelineRuns: Pick<PipelineRunMetrics, 'done'>;
}

/** Counts what PipelineRuns made, of every kind, when the cache sees it finish, on the replica that leads its maker. */
export function recordFinishedChildren(
  caches: Pick<Caches, 'taskRuns' | 'pipelineRuns' | 'customRuns'>,
  leader: Pick<Leaders['pipelineRun'], 'owns'>,
  metrics: Pick<ChildMetrics, 'done'>,
): void {
  const recorder =
    <T extends ChildObject>(kind: ChildKind) =>
    ({ type, object, old }: Change<T>) => {
      const maker = controllerKey(object, 'PipelineRun');
      if (type !== 'updated' || maker === undefined || isDone(old?.status) || !isDone(object.status)) return;
      if (leader.owns(maker)) metrics.done(childOf(kind, object));
    };
  caches.taskRuns.subscribe(recorder('TaskRun'));
  caches.customRuns.subscribe(recorder('CustomRun'));
  caches.pipelineRuns.subscribe(recorder('PipelineRun'));
}

/** Counts each run once, when the cache sees it finish, on the replica that leads it. */
export function recordFinishedRuns(caches: Caches, leaders: Leaders, metrics: FinishedRunMetrics): void {
  caches.taskRuns.subscribe(({ type, key, object, old }) => {
    if (type !== 'updated' || isDone(old?.status) || !isDone(object.status) || !leaders.taskRun.owns(key)) return;
    const pod = caches.pods.find(object.metadata.namespace, object.status?.podName ?? '');
    metrics.taskRuns.done(object, pod && podLatency(pod));
  });
  caches.pipelineRuns.subscribe(({ type, object, old }) => {
    if (type !== 'updated' || isDone(old?.status) || !isDone(object.status) || !leaders.pipelineRun.owns(keyOf(object)))
      return;
    metrics.pipelineRuns.done(object);
  });
}

/** From creation to the PodScheduled condition; undefined for a pod that was never scheduled. */
export function podLatency(pod: Pod): PodLatency | undefined {
  const scheduled = pod.status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'True',
  )?.lastTransitionTime;
  const { creationTimestamp, namespace = '' } = pod.metadata;
  if (!scheduled || !creationTimestamp) return undefined;
  return { namespace, milliseconds: Math.max(0, Date.parse(scheduled) - Date.parse(creationTimestamp)) };
}
