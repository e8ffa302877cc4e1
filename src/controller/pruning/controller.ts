import type { Registry } from 'prom-client';
import { systemClock } from '../../clock.ts';
import { isDone } from '../../core/condition.ts';
import { ownerOf } from '../../core/retention/run.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ControllerOptions } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Leadership } from '../../kube/buckets.ts';
import type { KubeObject } from '../../kube/object.ts';
import { WorkQueue } from '../../kube/queue.ts';
import type { Change } from '../../kube/store.ts';
import type { Watchdog } from '../../kube/watchdog.ts';
import type { Logger } from '../../log.ts';
import { ledBy } from '../../role/leadership.ts';
import type { QueueMetricsRegistry } from '../../role/queue-metrics.ts';
import type { Caches } from '../caches.ts';
import { prunerQueueName } from '../leadership.ts';
import { DeletionLane } from './lane.ts';
import { PruningMetrics } from './metrics.ts';
import { createPruningReconciler, pruningKey } from './reconciler.ts';
import type { PruningSettings } from './settings.ts';
import { Signing } from './signing.ts';

export interface PruningSurroundings {
  client: KubeClient;
  caches: Pick<Caches, 'pipelineRuns' | 'taskRuns'>;
  leadership: Leadership;
  /** Where Chains is. */
  chainsNamespace: string;
  settings: PruningSettings;
  events: EventRecorder;
  queueMetrics: QueueMetricsRegistry;
  registry: Registry;
  watchdog: Watchdog;
  log: Logger;
}

/** Namespaces at the same time; they share the rate. */
const CONCURRENCY = 4;
/** Runs that end together are looked at together. */
const SETTLE_MS = 1_000;

/** Prunes each namespace when a run of it ends, when settings change, and when a time limit is over. */
export function pruningController(around: PruningSurroundings): ControllerOptions {
  const { client, caches, leadership, settings, events, log } = around;
  const name = prunerQueueName;
  const queue = new WorkQueue({ name, metrics: around.queueMetrics.metrics(name) });
  around.queueMetrics.observe(queue);
  feed(queue, around);
  return {
    name: 'pruner',
    queue,
    concurrency: CONCURRENCY,
    watchdog: around.watchdog,
    log,
    ...ledBy(leadership),
    reconcile: createPruningReconciler({
      client,
      runs: caches,
      settings,
      signing: new Signing({ client, namespace: around.chainsNamespace, clock: systemClock }),
      events,
      metrics: new PruningMetrics(around.registry),
      lane: new DeletionLane(),
      clock: systemClock,
      log,
    }),
  };
}

function feed(queue: WorkQueue, { caches, leadership, settings }: PruningSurroundings): void {
  const look = (namespace: string) => {
    const key = pruningKey(namespace);
    if (leadership.owns(key)) queue.addAfter(key, SETTLE_MS);
  };
  const ended = ({ type, object }: Change<KubeObject & { status?: Parameters<typeof isDone>[0] }>) => {
    if (type === 'deleted' || !isDone(object.status) || ownerOf(object.metadata) !== undefined) return;
    look(object.metadata.namespace ?? '');
  };
  caches.pipelineRuns.subscribe(ended);
  caches.taskRuns.subscribe(ended);
  settings.onChange((namespace) => {
    for (const one of namespace === undefined ? settings.names() : [namespace]) look(one);
  });
  leadership.onPromoted((bucket) => {
    for (const namespace of settings.names()) {
      const key = pruningKey(namespace);
      if (bucket.has(key)) queue.addSlow(key);
    }
  });
}
