import { isDone } from '../core/condition.ts';
import { keyOf } from '../kube/object.ts';
import type { Pod } from '../kube/resources.ts';
import type { Caches } from './caches.ts';
import type { Leaders } from './leadership.ts';
import type { PipelineRunMetrics } from './metrics/pipeline-run.ts';
import type { PodLatency, TaskRunMetrics } from './metrics/task-run.ts';

export interface FinishedRunMetrics {
  taskRuns: Pick<TaskRunMetrics, 'done'>;
  pipelineRuns: Pick<PipelineRunMetrics, 'done'>;
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
