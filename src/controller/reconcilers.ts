import type { Registry } from 'prom-client';
import { systemClock } from '../clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { runController, type Outcome } from '../kube/controller.ts';
import type { Leadership } from '../kube/buckets.ts';
import type { EventRecorder } from '../kube/events.ts';
import { WorkQueue } from '../kube/queue.ts';
import type { Logger } from '../log.ts';
import { createPipelineRunReconciler } from '../reconcilers/pipelinerun/reconciler.ts';
import { createTaskRunReconciler } from '../reconcilers/taskrun/reconciler.ts';
import { createImageLookup } from '../registry/image-lookup.ts';
import type { Caches } from './caches.ts';
import type { ControllerFlags } from './flags.ts';
import { queueNames, type Leaders } from './leadership.ts';
import { QueueMetricsRegistry } from './queue-metrics.ts';
import { feed } from './queues.ts';
import type { LiveSettings } from './settings.ts';

export interface ReconcilerSurroundings {
  client: KubeClient;
  caches: Caches;
  leaders: Leaders;
  settings: LiveSettings;
  events: EventRecorder;
  flags: ControllerFlags;
  registry: Registry;
  log: Logger;
}

interface Reconciler {
  name: string;
  queue: WorkQueue;
  leadership: Leadership;
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
}

/**
 * Makes the reconcilers and feeds their queues from the caches. `run` works until the signal is aborted, then finishes
 * what is in flight.
 */
export function startReconcilers(given: ReconcilerSurroundings): { run(signal: AbortSignal): Promise<void> } {
  const { client, caches, leaders, settings, events, flags, registry, log } = given;
  const metrics = new QueueMetricsRegistry(registry);
  const queueOf = (name: string) => {
    const queue = new WorkQueue({ name, metrics: metrics.metrics(name) });
    metrics.observe(queue);
    return queue;
  };
  const common = { client, settings: () => settings.current(), events, clock: systemClock, log };
  const imageLookup = createImageLookup({ client, mirrors: flags.registryMirrors });
  const reconcilers: Reconciler[] = [
    {
      name: 'pipelinerun',
      queue: queueOf(queueNames.pipelineRun),
      leadership: leaders.pipelineRun,
      reconcile: createPipelineRunReconciler({ ...common, stores: caches }),
    },
    {
      name: 'taskrun',
      queue: queueOf(queueNames.taskRun),
      leadership: leaders.taskRun,
      reconcile: createTaskRunReconciler({ ...common, stores: caches, imageLookup }),
    },
  ];
  const [pipelineRun, taskRun] = reconcilers as [Reconciler, Reconciler];
  feed(pipelineRun.queue, leaders.pipelineRun, caches.pipelineRuns, { cache: caches.taskRuns, ownerKind: 'PipelineRun' });
  feed(taskRun.queue, leaders.taskRun, caches.taskRuns, { cache: caches.pods, ownerKind: 'TaskRun' });
  return {
    run: async (signal) => {
      await Promise.all(reconcilers.map((reconciler) => work(reconciler, flags.concurrency, log, signal)));
    },
  };
}

function work({ name, queue, leadership, reconcile }: Reconciler, concurrency: number, log: Logger, signal: AbortSignal): Promise<void> {
  return runController({ name, queue, concurrency, reconcile, log, owns: (key) => leadership.owns(key), onLost: (listener) => leadership.onLost(listener) }, signal);
}
