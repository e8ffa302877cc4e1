import type { Clock } from '../../clock.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Cache } from '../../kube/cache.ts';
import { found, type KubeClient } from '../../kube/client.ts';
import type { ControllerOptions } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Resource } from '../../kube/object.ts';
import { WorkQueue } from '../../kube/queue.ts';
import type { Leadership } from '../../kube/buckets.ts';
import type { Watchdog } from '../../kube/watchdog.ts';
import type { Logger } from '../../log.ts';
import { customRunResource } from '../../reconcilers/pipelinerun/children.ts';
import { ledBy } from '../../role/leadership.ts';
import type { QueueMetricsRegistry } from '../../role/queue-metrics.ts';
import type { Registry } from 'prom-client';
import type { Caches } from '../caches.ts';
import type { Leaders } from '../leadership.ts';
import { isCut } from '../settled.ts';
import type { LiveSettings } from '../settings.ts';
import type { ToldKind, ToldRun } from './event.ts';
import { CloudEventMetrics } from './metrics.ts';
import { Teller } from './teller.ts';

export interface CloudEventSurroundings {
  client: Pick<KubeClient, 'get'>;
  caches: Pick<Caches, 'taskRuns' | 'pipelineRuns' | 'customRuns'>;
  leaders: Leaders;
  settings: Pick<LiveSettings, 'cloudEvents'>;
  /** To the operator's receiver. */
  http: Pick<HttpClient, 'send'>;
  events: Pick<EventRecorder, 'event'>;
  queueMetrics: QueueMetricsRegistry;
  registry: Registry;
  watchdog: Watchdog;
  clock: Clock;
  log: Logger;
}

/** Requests at the same time for each kind: a slow receiver holds up events alone. */
const concurrency = 8;

interface Told {
  kind: ToldKind;
  cache: Cache<ToldRun>;
  resource: Resource<ToldRun>;
  leadership: Leadership;
}

/** The controllers that send CloudEvents about TaskRuns, PipelineRuns and CustomRuns, fed from the caches. */
export function cloudEventControllers(around: CloudEventSurroundings): ControllerOptions[] {
  const { caches, leaders, registry } = around;
  const tellers: Teller[] = [];
  const metrics = new CloudEventMetrics(registry, () => tellers.reduce((sum, { waiting }) => sum + waiting, 0));
  return kindsOf(caches, leaders).map((told) => {
    const teller = tellerOf(told, around, metrics);
    tellers.push(teller);
    const name = `cloudevents-${told.kind.toLowerCase()}`;
    const queue = new WorkQueue({ name, metrics: around.queueMetrics.metrics(name), workers: concurrency });
    around.queueMetrics.observe(queue);
    feed(queue, teller, told);
    const { watchdog, log, clock } = around;
    const reconcile = (key: string, signal: AbortSignal) => teller.send(key, signal);
    return { name, queue, concurrency, watchdog, log, clock, ...ledBy(told.leadership), reconcile };
  });
}

/** Who brings a run forward tells of it; of CustomRuns, which no controller of ours does, who leads PipelineRuns. */
function kindsOf(caches: CloudEventSurroundings['caches'], leaders: Leaders): Told[] {
  const told = (kind: ToldKind, cache: unknown, resource: unknown, leadership: Leadership): Told => ({
    kind,
    cache: cache as Cache<ToldRun>,
    resource: resource as Resource<ToldRun>,
    leadership,
  });
  return [
    told('TaskRun', caches.taskRuns, taskRuns, leaders.taskRun),
    told('PipelineRun', caches.pipelineRuns, pipelineRuns, leaders.pipelineRun),
    told('CustomRun', caches.customRuns, customRunResource, leaders.pipelineRun),
  ];
}

function tellerOf({ kind, cache, resource }: Told, around: CloudEventSurroundings, metrics: CloudEventMetrics): Teller {
  const { client, settings, http, events, clock } = around;
  return new Teller({
    kind,
    sink: () => {
      const { sink, customRuns } = settings.cloudEvents();
      return kind === 'CustomRun' && !customRuns ? '' : sink;
    },
    http,
    whole: async (key, run, signal) => {
      const { namespace, name = '', uid } = run.metadata;
      const cached = cache.get(key);
      if (cached !== undefined && cached.metadata.uid === uid && !isCut(cached)) return cached;
      const read = await found(client.get(resource, namespace, name, { signal }));
      return read?.metadata.uid === uid ? read : undefined;
    },
    events,
    metrics,
    clock,
  });
}

function feed(queue: WorkQueue, teller: Teller, { cache, leadership }: Told): void {
  cache.subscribe((change) => {
    if (leadership.owns(change.key) && teller.changed(change)) queue.add(change.key);
  });
  leadership.onPromoted((bucket) => {
    for (const [key, run] of cache.entries()) if (bucket.has(key) && teller.begin(key, run)) queue.addSlow(key);
  });
  leadership.onLost((bucket) => teller.leave((key) => bucket.has(key)));
}
