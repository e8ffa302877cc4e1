import type { Registry } from 'prom-client';
import { systemClock } from '../clock.ts';
import { ImageLookups } from '../images/image-lookup.ts';
import { createImageReading } from '../images/image-reading.ts';
import type { Leadership } from '../kube/buckets.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import { WorkQueue } from '../kube/queue.ts';
import { feedQueue } from '../kube/replica.ts';
import type { Logger } from '../log.ts';
import { createPipelineRunReconciler } from '../reconcilers/pipelinerun/reconciler.ts';
import { createTaskRunReconciler } from '../reconcilers/taskrun/reconciler.ts';
import type { Registries } from '../registry/client.ts';
import type { Caches } from './caches.ts';
import { tellingFailures } from './telling-failures.ts';
import type { ControllerFlags } from './flags.ts';
import { queueNames, type Leaders } from './leadership.ts';
import { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { ownerKeys } from '../kube/owners.ts';
import type { LiveSettings } from './settings.ts';

export interface ReconcilerSurroundings {
  client: KubeClient;
  caches: Caches;
  leaders: Leaders;
  settings: LiveSettings;
  events: EventRecorder;
  flags: ControllerFlags;
  registries: Registries;
  registry: Registry;
  log: Logger;
  /** The process is to end. */
  end: AbortSignal;
}

/** The reconcilers, ready to be run, their queues fed from the caches. */
export function makeReconcilers(given: ReconcilerSurroundings): ControllerOptions[] {
  const { client, caches, leaders, settings, events, flags, registries, registry, log } = given;
  const metrics = new QueueMetricsRegistry(registry);
  const queueOf = (name: string) => {
    const queue = new WorkQueue({ name, metrics: metrics.metrics(name) });
    metrics.observe(queue);
    return queue;
  };
  const common = { client, settings: () => settings.current(), events, clock: systemClock, log };
  const pipelineRuns = queueOf(queueNames.pipelineRun);
  const taskRuns = queueOf(queueNames.taskRun);
  feedQueue(caches.pipelineRuns, pipelineRuns, leaders.pipelineRun);
  feedQueue(caches.taskRuns, pipelineRuns, leaders.pipelineRun, ownerKeys('PipelineRun'));
  feedQueue(caches.taskRuns, taskRuns, leaders.taskRun);
  feedQueue(caches.pods, taskRuns, leaders.taskRun, ownerKeys('TaskRun'));
  const { concurrency } = flags;
  const images = new ImageLookups({
    read: createImageReading({ client, registries }),
    onAnswer: (key) => {
      if (leaders.taskRun.owns(key)) taskRuns.add(key);
    },
    mostWaiting: Math.floor(concurrency / 2),
  });
  given.end.addEventListener('abort', () => images.close(), { once: true });
  return [
    {
      name: 'pipelinerun',
      queue: pipelineRuns,
      concurrency,
      log,
      ...ledBy(leaders.pipelineRun),
      reconcile: tellingFailures(
        events,
        caches.pipelineRuns,
        'PipelineRun',
        createPipelineRunReconciler({ ...common, stores: caches }),
      ),
    },
    {
      name: 'taskrun',
      queue: taskRuns,
      concurrency,
      log,
      ...ledBy(leaders.taskRun),
      reconcile: tellingFailures(
        events,
        caches.taskRuns,
        'TaskRun',
        createTaskRunReconciler({ ...common, stores: caches, imageLookup: images.lookUp }),
      ),
    },
  ];
}

function ledBy(leadership: Leadership): Pick<ControllerOptions, 'owns' | 'onLost' | 'onDraining'> {
  return {
    owns: (key) => leadership.owns(key),
    onLost: (listener) => leadership.onLost(listener),
    onDraining: (listener) => leadership.onDraining(listener),
  };
}
