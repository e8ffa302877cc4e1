import { triggers } from '../api/triggers/objects.ts';
import { systemClock } from '../clock.ts';
import { Informer } from '../kube/informer.ts';
import { apiVersionOf } from '../kube/object.ts';
import { ownerKeys } from '../kube/owners.ts';
import { keysExceptOwnStatus } from '../kube/own-writes.ts';
import type { Leadership } from '../kube/buckets.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import { WorkQueue } from '../kube/queue.ts';
import { feedQueue, runReplica } from '../kube/replica.ts';
import { configMaps, type ConfigMap } from '../kube/resources.ts';
import { electionSettings, liveElection } from '../role/election-settings.ts';
import { FlagError, parseRoleFlags, type Environment, type RoleFlags } from '../role/flags.ts';
import { electLeaders, ledBy } from '../role/leadership.ts';
import { runRole, type Role, type RoleProcess } from '../role/process.ts';
import { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { electionMap, electionMapNames } from './election-map.ts';
import { byNamespace, ListenerCaches } from './eventlistener/caches.ts';
import { listenersBeside } from './eventlistener/disruption.ts';
import { listenerReconciler } from './eventlistener/reconciler.ts';
import { affectedBy, selectionReconciler } from './schedule/selection-reconciler.ts';
import { TriggersSettings } from './settings.ts';
import { SharedSinkKeeper } from './shared-sink/keeper.ts';
import { holderKeys, isOfSharedSink, listenerOfSlice, toldByMap } from './shared-sink/news.ts';
import { PortKeeper } from './shared-sink/port-keeper.ts';
import { heldPorts } from './shared-sink/ports.ts';
import { podsOf } from './shared-sink/slices.ts';

interface TriggersFlags extends RoleFlags {
  sinkImage: string;
  pullPolicy: string;
  events: 'enable' | 'disable';
}

const flagsOfRole = {
  role: 'triggers controller',
  options: {
    'el-image': { type: 'string' },
    'el-image-pull-policy': { type: 'string', default: 'IfNotPresent' },
    'el-events': { type: 'string', default: 'disable' },
  },
  defaults: { concurrency: 8, qps: 50, burst: 100, systemNamespace: 'tekton-pipelines' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseTriggersFlags(args: readonly string[], env: Environment): TriggersFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  const { 'el-image': sinkImage, 'el-image-pull-policy': pullPolicy, 'el-events': events } = values;
  if (!sinkImage) throw new FlagError('--el-image is missing: it names the image of the sinks');
  if (events !== 'enable' && events !== 'disable')
    throw new FlagError(`--el-events is ${JSON.stringify(events)}; give enable or disable`);
  return { ...flags, sinkImage, pullPolicy, events };
}

/** The role that makes Deployments and Services of EventListeners. */
const triggersRole: Role<TriggersFlags> = {
  name: 'triggers',
  component: 'tekton-triggers-controller',
  meter: 'tekton_triggers_controller',
  eventMetrics: 'tekton_triggers_controller_',
  parseFlags: parseTriggersFlags,
  work,
};

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(triggersRole, [args, env], end);
}

const observabilityMaps = { logging: 'config-logging-triggers', observability: 'config-observability-triggers' };
const queueNames = { eventListener: 'github.com.tektoncd.triggers.pkg.reconciler.eventlistener.Reconciler' } as const;
/** Upstream has none for Triggers; who leads a key is decided as for listeners. */
const schedulesQueue = 'trigger-schedules';

/** What the controllers of this role share. */
interface Parts {
  process: RoleProcess<TriggersFlags>;
  maps: Informer<ConfigMap>;
  settings: TriggersSettings;
  caches: ListenerCaches;
  led: Leadership;
  metrics: QueueMetricsRegistry;
}

async function work(process: RoleProcess<TriggersFlags>): Promise<void> {
  const { flags, end, log, meters, client, events, ready } = process;
  const { systemNamespace: namespace } = flags;
  const maps = new Informer<ConfigMap>({ client, resource: configMaps, namespace, log });
  const settings = new TriggersSettings(flags, maps.store, process);
  const caches = new ListenerCaches(client, flags, log);
  const stop = new AbortController();
  const watchingSettings = maps.run(AbortSignal.any([end, stop.signal]));
  try {
    await maps.synced(end);
    const names = observabilityMaps;
    process.observe({ configMaps: maps.store, namespace, names, component: 'controller', events });
    const find = (name: string) => maps.store.find(namespace, name);
    const read = () => electionSettings(electionMap(find)?.data).leaderElection;
    const config = liveElection(maps.store, electionMapNames, read);
    const leaders = electLeaders({ client, flags, config, component: triggersRole.component, queueNames, log });
    const metrics = new QueueMetricsRegistry(meters.infrastructure);
    const parts = { process, maps, settings, caches, led: leaders.eventListener, metrics };
    await runReplica(
      {
        sources: [...caches.informers, { run: () => watchingSettings }],
        controllers: [listenersController(parts), schedulesController(parts)],
        election: leaders,
        recorder: events,
        log,
        onReady: ready,
      },
      end,
    );
  } finally {
    stop.abort();
    await Promise.allSettled([watchingSettings]);
  }
}

function queueOf({ process, metrics }: Parts, name: string): WorkQueue {
  const queue = new WorkQueue({ name, metrics: metrics.metrics(name), workers: process.flags.concurrency });
  metrics.observe(queue);
  return queue;
}

function listenersController(parts: Parts): ControllerOptions {
  const { process, maps, settings, caches, led } = parts;
  const { client, flags, log, watchdog } = process;
  const queue = queueOf(parts, queueNames.eventListener);
  feedQueue(caches.listeners, queue, led, { keysOf: keysExceptOwnStatus });
  feedQueue(caches.deployments, queue, led, { keysOf: ownerKeys('EventListener') });
  feedQueue(caches.services, queue, led, { keysOf: ownerKeys('EventListener') });
  feedQueue(caches.budgets, queue, led, { keysOf: (change) => listenersBeside(change, caches.listeners) });
  const sharedSink = keeperOfSharedSink(parts, queue);
  maps.onChange(({ type, object }) => {
    if (type === 'updated' && isOfSharedSink(object)) return;
    for (const [key] of caches.listeners.entries()) if (led.owns(key)) queue.addSlow(key);
  });
  const reconcile = listenerReconciler({
    client,
    find: (key) => caches.listeners.get(key),
    deployments: caches.deployments,
    sharedSink,
    budgets: (namespace) => caches.budgets.byIndex(byNamespace, namespace),
    settings: () => settings.listeners,
    clock: systemClock,
  });
  return { name: 'eventlistener', queue, concurrency: flags.concurrency, watchdog, log, ...ledBy(led), reconcile };
}

/** Looks after what listeners have of the shared sink, and feeds the queue with what is heard of it. */
function keeperOfSharedSink({ process, maps, caches, led }: Parts, queue: WorkQueue): SharedSinkKeeper {
  const { client, flags, end, log } = process;
  const { systemNamespace } = flags;
  const ports = new PortKeeper({ client, maps: maps.store, systemNamespace });
  feedQueue(caches.slices, queue, led, { keysOf: listenerOfSlice });
  feedQueue(maps.store, queue, led, { keysOf: (change) => toldByMap(change, ports.map) });
  caches.sharedSlices.subscribe(() => {
    for (const key of holderKeys(heldPorts(ports.map?.data))) if (led.owns(key)) queue.add(key);
    const there = new Set(caches.sharedSlices.list().flatMap(podsOf));
    ports
      .forgetPods((pod) => there.has(pod), end)
      .catch((error: unknown) => log.warn({ error }, 'what pods of the shared sink said stays a while longer'));
  });
  const shared = () => caches.sharedSlices.list();
  return new SharedSinkKeeper({ client, ports, slices: caches.slices, shared, systemNamespace, clock: systemClock });
}

/** Sees to it that a schedule which no listener keeps is told. */
function schedulesController(parts: Parts): ControllerOptions {
  const { process, caches, led } = parts;
  const { client, events, flags, log, watchdog } = process;
  const queue = queueOf(parts, schedulesQueue);
  feedQueue(caches.triggers, queue, led);
  caches.listeners.subscribe((change) => {
    for (const key of affectedBy(change, caches.triggers.entries())) if (led.owns(key)) queue.addSlow(key);
  });
  const reconcile = selectionReconciler({
    client,
    find: (key) => caches.triggers.get(key),
    listeners: () => caches.listeners.values(),
    tell: (trigger, reason, message) =>
      events.event({ apiVersion: apiVersionOf(triggers), kind: triggers.kind, ...trigger }, 'Warning', reason, message),
    clock: systemClock,
  });
  return { name: schedulesQueue, queue, concurrency: flags.concurrency, watchdog, log, ...ledBy(led), reconcile };
}
