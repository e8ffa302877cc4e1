import { ledBy } from '../../role/leadership.ts';
import type { Registry } from 'prom-client';
import {
  resolutionRequests,
  resolverTypeLabel,
  type ResolutionRequest,
} from '../../api/resolution/resolution-request.ts';
import { systemClock } from '../../clock.ts';
import { cacheOf, type Cache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ControllerOptions } from '../../kube/controller.ts';
import { Informer } from '../../kube/informer.ts';
import { WorkQueue } from '../../kube/queue.ts';
import { feedQueue } from '../../kube/replica.ts';
import type { Watchdog } from '../../kube/watchdog.ts';
import type { Logger } from '../../log.ts';
import type { LeadersOf } from '../../role/leadership.ts';
import { QueueMetricsRegistry } from '../../role/queue-metrics.ts';
import type { ResolutionCache } from '../cache/cache.ts';
import { isResolved } from '../contract/status.ts';
import { resolverTypes, type Resolver, type ResolverType } from '../resolver.ts';
import { createRequestReconciler } from './reconciler.ts';
import type { ResolversFlags } from './flags.ts';
import type { ResolverSettings } from './settings.ts';

/** Upstream's process calls itself so: the first part of lease names. */
export const leaseComponent = 'controller';

/** Names of the work queues, as upstream's: they are part of lease names and metric labels. */
export const queueNames: Readonly<Record<ResolverType, string>> = {
  bundles: 'TektonResolverFramework.bundleresolver',
  cluster: 'TektonResolverFramework.Cluster',
  git: 'TektonResolverFramework.Git',
  http: 'TektonResolverFramework.Http',
  hub: 'TektonResolverFramework.Hub',
};

/** The watch of all ResolutionRequests. */
export class RequestCaches {
  readonly requests: Cache<ResolutionRequest>;
  readonly #informers: Informer<ResolutionRequest>[] = [];

  constructor(
    client: KubeClient,
    { namespaces, resyncMs }: Pick<ResolversFlags, 'namespaces' | 'resyncMs'>,
    log: Logger,
  ) {
    this.requests = cacheOf(namespaces, (namespace) => {
      const informer = new Informer<ResolutionRequest>({
        client,
        resource: resolutionRequests,
        namespace,
        transform: slimRequest,
        resyncMs,
        log,
      });
      this.#informers.push(informer);
      return informer.store;
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }
}

/** A request that is answered is not looked at again: of it only is kept that it is. */
export function slimRequest(request: ResolutionRequest): ResolutionRequest {
  if (!isResolved(request)) return request;
  const { name, namespace, uid, resourceVersion, labels } = request.metadata;
  const conditions = request.status?.conditions?.map(({ type, status }) => ({ type, status })) ?? [];
  return {
    metadata: { name, namespace, uid, resourceVersion, labels },
    spec: {},
    status: { conditions },
  };
}

export interface ControllersGiven {
  client: KubeClient;
  caches: RequestCaches;
  leaders: LeadersOf<ResolverType>;
  resolvers: readonly Resolver[];
  settings: ResolverSettings;
  cache: ResolutionCache;
  concurrency: number;
  watchdog: Watchdog;
  registry: Registry;
  log: Logger;
}

/** A controller with a queue of its own per resolver: slow git servers keep nobody from bundles. */
export function makeControllers(given: ControllersGiven): ControllerOptions[] {
  const { client, caches, leaders, resolvers, settings, cache, concurrency, watchdog, registry, log } = given;
  const metrics = new QueueMetricsRegistry(registry);
  const queueOf = (type: ResolverType) => {
    const name = queueNames[type];
    const queue = new WorkQueue({ name, metrics: metrics.metrics(name), workers: concurrency });
    metrics.observe(queue);
    feedQueue(caches.requests, queue, leaders[type], {
      keysOf: ({ key, object }) =>
        object.metadata.labels?.[resolverTypeLabel] === type && !isResolved(object) ? [key] : [],
    });
    return queue;
  };
  const queues = new Map(resolverTypes.map((type) => [type, queueOf(type)]));
  return resolvers.flatMap((resolver) => {
    const { type } = resolver;
    const queue = queues.get(type);
    if (queue === undefined) return [];
    return [
      {
        name: type,
        queue,
        concurrency,
        watchdog,
        log,
        ...ledBy(leaders[type]),
        reconcile: createRequestReconciler({
          resolver,
          client,
          requests: caches.requests,
          settings,
          cache,
          clock: systemClock,
        }),
      } satisfies ControllerOptions,
    ];
  });
}
