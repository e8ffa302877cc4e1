import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { taskRuns as taskRunResource } from '../api/resources.ts';
import { systemClock } from '../clock.ts';
import { hasBegun, isDone } from '../core/condition.ts';
import { labels } from '../core/labels.ts';
import { ImageLookups } from '../images/image-lookup.ts';
import { createImageReading } from '../images/image-reading.ts';
import { found, type KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import { WorkQueue } from '../kube/queue.ts';
import { feedQueue } from '../kube/replica.ts';
import type { Change } from '../kube/store.ts';
import type { Watchdog } from '../kube/watchdog.ts';
import type { Logger } from '../log.ts';
import { nextInLine } from '../reconcilers/pipelinerun/admission.ts';
import { createPipelineRunReconciler } from '../reconcilers/pipelinerun/reconciler.ts';
import { createTaskRunReconciler } from '../reconcilers/taskrun/reconciler.ts';
import type { Tracing } from '../reconcilers/tracing.ts';
import type { KmsKeys } from '../resolvers/supply/policies.ts';
import type { Registries } from '../registry/client.ts';
import { cloudHelpers } from '../registry/cloud/index.ts';
import type { Caches } from './caches.ts';
import type { ControllerFlags } from './flags.ts';
import { queueNames, type Leaders } from './leadership.ts';
import { ledBy } from '../role/leadership.ts';
import type { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { ownerKeys } from '../kube/owners.ts';
import { isOwnCreation, keysExceptOwnStatus } from '../kube/own-writes.ts';
import { SpireIdentities } from '../spire/identities.ts';
import { podFeed } from './pod-feed.ts';
import { remoteDefinitions, resolutionRequestController } from './remote-definitions.ts';
import { hasLivePod } from './settled.ts';
import { wholeRuns } from './whole-runs.ts';
import type { LiveSettings } from './settings.ts';

export interface ReconcilerSurroundings {
  client: KubeClient;
  caches: Caches;
  leaders: Leaders;
  settings: LiveSettings;
  events: EventRecorder;
  tracing?: Tracing;
  flags: ControllerFlags;
  registries: Registries;
  watchdog: Watchdog;
  queueMetrics: QueueMetricsRegistry;
  log: Logger;
  /** Of keys that VerificationPolicies name. */
  kms: KmsKeys;
  /** The process is to end. */
  end: AbortSignal;
}

/** The reconcilers, ready to be run, their queues fed from the caches. */
export function makeReconcilers(given: ReconcilerSurroundings): ControllerOptions[] {
  const { client, caches, leaders, settings, events, registries, watchdog, queueMetrics: metrics, log, kms } = given;
  const { concurrency, systemNamespace } = given.flags;
  const queueOf = (name: string, isAhead: (key: string) => boolean = () => false) => {
    const queue = new WorkQueue({ name, metrics: metrics.metrics(name), workers: concurrency, isAhead });
    metrics.observe(queue);
    return queue;
  };
  const { tracing } = given;
  const common = { client, settings: () => settings.current(), events, clock: systemClock, log, tracing };
  const isPodLive = (run: TaskRun) => hasLivePod(run, { pod: (namespace, name) => caches.pods.find(namespace, name) });
  const wholeTaskRuns = wholeRuns(caches.taskRuns, isPodLive, readTaskRun(client));
  const { pods, tasks, limitRanges } = caches;
  const identities = new SpireIdentities();
  const taskRunStores = { taskRuns: wholeTaskRuns.store, pods, tasks, limitRanges };
  const pipelineRuns = queueOf(queueNames.pipelineRun, (key) => hasBegun(caches.pipelineRuns.get(key)));
  const taskRuns = queueOf(queueNames.taskRun, (key) => isFurtherOn(caches, caches.taskRuns.get(key)));
  const parentOf = ownerKeys('PipelineRun');
  feedQueue(caches.pipelineRuns, pipelineRuns, leaders.pipelineRun, { keysOf: keysExceptOwnStatus });
  // A child that its PipelineRun has just made is no news to it.
  const parentOfNews = (change: Change<KubeObject>) => (isOwnCreation(change) ? [] : parentOf(change));
  feedQueue(caches.taskRuns, pipelineRuns, leaders.pipelineRun, { keysOf: parentOfNews });
  feedQueue(caches.customRuns, pipelineRuns, leaders.pipelineRun, { keysOf: parentOfNews });
  feedQueue(caches.pipelineRuns, pipelineRuns, leaders.pipelineRun, { keysOf: parentOfNews });
  // Where a run ends or goes, those that wait for their turn may go on; what is over already gives no slot back.
  const nextOnes = ({ type, object, old }: Change<PipelineRun>) => {
    const before = type === 'deleted' ? object : old;
    if (before === undefined || isDone(before.status)) return [];
    if (type !== 'deleted' && !isDone(object.status)) return [];
    const rules = settings.current().concurrency ?? [];
    return nextInLine(object.metadata.namespace ?? '', { pipelineRuns: caches.pipelineRuns, rules });
  };
  feedQueue(caches.pipelineRuns, pipelineRuns, leaders.pipelineRun, { keysOf: nextOnes });
  // The end of a run is news to itself while its pod lives: its sidecars are stopped next.
  const endAndNews = (change: Change<TaskRun>) =>
    isDone(change.object.status) && isPodLive(change.object) ? [change.key] : keysExceptOwnStatus(change);
  feedQueue(caches.taskRuns, taskRuns, leaders.taskRun, { keysOf: endAndNews });
  feedQueue(caches.pods, taskRuns, leaders.taskRun, podFeed({ client, settings }));
  const aroundRequests = { client, caches, leaders, settings, clock: systemClock };
  const remote = remoteDefinitions({
    ...aroundRequests,
    kms,
    queues: { taskRun: taskRuns, pipelineRun: pipelineRuns },
    mostWaiting: Math.floor(concurrency / 4),
  });
  const requestQueue = queueOf(queueNames.resolutionRequest);
  const images = new ImageLookups({
    read: createImageReading({ client, registries, helpers: cloudHelpers(systemClock) }),
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
      watchdog,
      log,
      ...ledBy(leaders.pipelineRun),
      // Of a PipelineRun that is over nothing is left to do.
      reconcile: wholeRuns(
        caches.pipelineRuns,
        () => false,
        () => Promise.resolve(undefined),
      ).whole(createPipelineRunReconciler({ ...common, stores: caches, systemNamespace, remote })),
    },
    {
      name: 'taskrun',
      queue: taskRuns,
      concurrency,
      watchdog,
      log,
      ...ledBy(leaders.taskRun),
      reconcile: wholeTaskRuns.whole(
        createTaskRunReconciler({ ...common, stores: taskRunStores, imageLookup: images.lookUp, identities, remote }),
      ),
    },
    resolutionRequestController(aroundRequests, { queue: requestQueue, concurrency, watchdog, log }),
  ];
}

function readTaskRun(client: Pick<KubeClient, 'get'>) {
  return ({ metadata: { namespace, name = '' } }: TaskRun, signal: AbortSignal): Promise<TaskRun | undefined> =>
    found(client.get(taskRunResource, namespace, name, { signal }));
}

/** A run that has begun, or a later task of a PipelineRun: what is near its end goes before what only begins. */
function isFurtherOn(caches: Pick<Caches, 'pipelineRuns'>, run: TaskRun | undefined): boolean {
  const parent = run?.metadata.labels?.[labels.pipelineRun];
  if (run === undefined || parent === undefined || hasBegun(run)) return hasBegun(run);
  return (caches.pipelineRuns.find(run.metadata.namespace, parent)?.status?.childReferences?.length ?? 0) > 1;
}
