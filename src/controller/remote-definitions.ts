import { ledBy } from '../role/leadership.ts';
import type { ResolutionRequest } from '../api/resolution/resolution-request.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import { joinKey } from '../kube/object.ts';
import { controllerKey } from '../kube/owners.ts';
import type { WorkQueue } from '../kube/queue.ts';
import { feedQueue } from '../kube/replica.ts';
import type { Watchdog } from '../kube/watchdog.ts';
import type { Logger } from '../log.ts';
import type { RemoteSupplier, Requester } from '../reconcilers/supply/definitions.ts';
import { createResolutionRequestReconciler } from '../resolvers/requests/reconciler.ts';
import type { KmsKeys } from '../resolvers/supply/policies.ts';
import { createPatience } from '../resolvers/supply/patience.ts';
import { createRemoteSupplier } from '../resolvers/supply/supplier.ts';
import { isNews, isResolved } from '../resolvers/contract/status.ts';
import type { Caches } from './caches.ts';
import type { Leaders } from './leadership.ts';
import type { LiveSettings } from './settings.ts';

type RunQueues = Readonly<Record<'taskRun' | 'pipelineRun', Pick<WorkQueue, 'add'>>>;

export interface RemoteSurroundings {
  client: KubeClient;
  caches: Pick<Caches, 'resolutionRequests' | 'verificationPolicies'>;
  leaders: Leaders;
  settings: Pick<LiveSettings, 'current'>;
  queues: RunQueues;
  kms: KmsKeys;
  clock: Clock;
  /** Runs that may hold a worker for a moment, until a request that they made is answered. */
  mostWaiting: number;
}

/**
 * The supplier of remote references; runs that wait for a ResolutionRequest are looked at again as soon as it is
 * answered, whoever owns it.
 */
export function remoteDefinitions({
  client,
  caches,
  leaders,
  settings,
  queues,
  kms,
  clock,
  mostWaiting,
}: RemoteSurroundings): RemoteSupplier {
  const supply = createRemoteSupplier({
    client,
    requests: caches.resolutionRequests,
    patience: createPatience({ requests: caches.resolutionRequests, clock, mostWaiting }),
    policies: caches.verificationPolicies,
    settings: () => settings.current(),
    kms,
    clock,
  });
  const waiting = new Map<string, Map<string, Requester['kind']>>();
  caches.resolutionRequests.subscribe(({ type, key, object }) => {
    if (type !== 'deleted' && !isNews(object)) return;
    const runs = new Map([...(waiting.get(key) ?? []), ...ownerOf(object)]);
    waiting.delete(key);
    for (const [run, kind] of runs) {
      const name = kind === 'PipelineRun' ? 'pipelineRun' : 'taskRun';
      if (leaders[name].owns(run)) queues[name].add(run);
    }
  });
  return async (need, requester, signal) => {
    const resolved = await supply(need, requester, signal);
    if (resolved.kind !== 'resolving') return resolved;
    const key = joinKey(need.namespace, resolved.request);
    const runs = waiting.get(key) ?? new Map<string, Requester['kind']>();
    waiting.set(key, runs.set(joinKey(requester.namespace, requester.name), requester.kind));
    // It may have been answered while the run was planned.
    const request = caches.resolutionRequests.find(need.namespace, resolved.request);
    return request && isNews(request) ? supply(need, requester, signal) : resolved;
  };
}

function ownerOf(request: ResolutionRequest): [string, Requester['kind']][] {
  return (['TaskRun', 'PipelineRun'] as const).flatMap((kind) => {
    const key = controllerKey(request, kind);
    return key === undefined ? [] : [[key, kind] as [string, Requester['kind']]];
  });
}

/** The controller that holds the time limit of all ResolutionRequests. */
export function resolutionRequestController(
  { client, caches, leaders, settings, clock }: Omit<RemoteSurroundings, 'queues' | 'kms' | 'mostWaiting'>,
  { queue, concurrency, watchdog, log }: { queue: WorkQueue; concurrency: number; watchdog: Watchdog; log: Logger },
): ControllerOptions {
  const leadership = leaders.resolutionRequest;
  feedQueue(caches.resolutionRequests, queue, leadership, {
    keysOf: ({ key, object }) => (isResolved(object) ? [] : [key]),
  });
  return {
    name: 'resolutionrequest',
    queue,
    concurrency,
    watchdog,
    log,
    ...ledBy(leadership),
    reconcile: createResolutionRequestReconciler({
      client,
      requests: caches.resolutionRequests,
      limitMs: () => settings.current().defaults.maximumResolutionTimeoutMs,
      clock,
    }),
  };
}
