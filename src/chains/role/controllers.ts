import { ledBy } from '../../role/leadership.ts';
import type { Registry } from 'prom-client';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { systemClock } from '../../clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ControllerOptions } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Resource } from '../../kube/object.ts';
import { WorkQueue } from '../../kube/queue.ts';
import type { Watchdog } from '../../kube/watchdog.ts';
import type { Logger } from '../../log.ts';
import { QueueMetricsRegistry } from '../../role/queue-metrics.ts';
import type { RunKind } from '../annotations.ts';
import type { Services, SigningMetrics } from '../reconciler/options.ts';
import { createChainsReconciler } from '../reconciler/reconciler.ts';
import type { Seal } from '../plan/seal.ts';
import type { RunObject } from '../types.ts';
import type { RunCaches } from './caches.ts';
import { feedParents, feedRuns } from './feed.ts';
import type { Leaders } from './leadership.ts';
import { queueNames } from './leadership.ts';
import type { ChainsSettings } from './settings.ts';

export interface ControllersGiven {
  client: KubeClient;
  caches: RunCaches;
  leaders: Leaders;
  settings: ChainsSettings;
  seal: Seal;
  services: Services;
  metrics: SigningMetrics;
  events: EventRecorder;
  concurrency: number;
  watchdog: Watchdog;
  registry: Registry;
  log: Logger;
}

/**
 * Uploads, logs and signing services each have their own time limits and retries; a run has many of them. What was done
 * before the end is kept.
 */
const DEADLINE_MS = 900_000;

/** One controller per kind, its queue fed from the caches; a change of settings looks at all open runs again. */
export function makeControllers(given: ControllersGiven): ControllerOptions[] {
  const { client, caches, leaders, settings, seal, services, metrics, events, concurrency, watchdog, registry, log } =
    given;
  const queueMetrics = new QueueMetricsRegistry(registry);
  const queueOf = (kind: RunKind) => {
    // A signing service in trouble must not be asked every few milliseconds.
    const queue = new WorkQueue({
      name: queueNames[kind],
      metrics: queueMetrics.metrics(queueNames[kind]),
      baseDelayMs: 100,
      maxDelayMs: 300_000,
      workers: concurrency,
    });
    queueMetrics.observe(queue);
    return queue;
  };
  const queues = { taskrun: queueOf('taskrun'), pipelinerun: queueOf('pipelinerun') };
  const lookAgain = [
    feedRuns(caches.taskRuns, queues.taskrun, leaders.taskrun, seal),
    feedRuns(caches.pipelineRuns, queues.pipelinerun, leaders.pipelinerun, seal),
  ];
  for (const children of [caches.taskRuns, caches.pipelineRuns])
    feedParents(children, queues.pipelinerun, leaders.pipelinerun, seal);
  settings.onChange(() => lookAgain.forEach((look) => look()));
  const resources = { taskrun: taskRuns, pipelinerun: pipelineRuns } as unknown as Record<RunKind, Resource<RunObject>>;
  return (['taskrun', 'pipelinerun'] as const).map((kind) => ({
    name: kind,
    queue: queues[kind],
    concurrency,
    watchdog,
    deadlineMs: DEADLINE_MS,
    log,
    ...ledBy(leaders[kind]),
    reconcile: createChainsReconciler({
      kind,
      resource: resources[kind],
      client,
      caches,
      settings: () => settings.current(),
      seal,
      services,
      metrics,
      events,
      clock: systemClock,
      random: Math.random,
      log,
    }),
  }));
}
