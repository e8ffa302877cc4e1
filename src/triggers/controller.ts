import { triggersGroup } from '../api/triggers/objects.ts';
import { systemClock } from '../clock.ts';
import { Informer } from '../kube/informer.ts';
import type { KubeObject } from '../resource.ts';
import { ownerKeys } from '../kube/owners.ts';
import { keysExceptOwnStatus } from '../kube/own-writes.ts';
import { WorkQueue } from '../kube/queue.ts';
import { feedQueue, runReplica } from '../kube/replica.ts';
import { configMaps } from '../kube/resources.ts';
import { electionSettings } from '../role/election-settings.ts';
import { FlagError, parseRoleFlags, type Environment, type RoleFlags } from '../role/flags.ts';
import { electLeaders, ledBy } from '../role/leadership.ts';
import { runRole, type Role, type RoleProcess } from '../role/process.ts';
import { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { electionMap } from './election-map.ts';
import { ListenerCaches } from './eventlistener/caches.ts';
import type { ListenerSettings } from './eventlistener/objects.ts';
import { listenerReconciler } from './eventlistener/reconciler.ts';
import { listenerSettings } from './eventlistener/settings.ts';

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

const queueNames = { eventListener: 'github.com.tektoncd.triggers.pkg.reconciler.eventlistener.Reconciler' } as const;

async function work(process: RoleProcess<TriggersFlags>): Promise<void> {
  const { flags, end, log, meters, client, events, watchdog, ready } = process;
  const { systemNamespace: namespace } = flags;
  const settings = new Informer({ client, resource: configMaps, namespace, log });
  const caches = new ListenerCaches(client, flags, log);
  const stop = new AbortController();
  const watchingSettings = settings.run(AbortSignal.any([end, stop.signal]));
  try {
    await settings.synced(end);
    const election = electionMap((name) => settings.store.find(namespace, name));
    const { leaderElection } = electionSettings(election?.data);
    const leaders = electLeaders({
      client,
      flags,
      config: leaderElection,
      component: triggersRole.component,
      queueNames,
      log,
    });
    const metrics = new QueueMetricsRegistry(meters.infrastructure);
    const name = queueNames.eventListener;
    const queue = new WorkQueue({ name, metrics: metrics.metrics(name), workers: flags.concurrency });
    metrics.observe(queue);
    const { eventListener: led } = leaders;
    feedQueue(caches.listeners, queue, led, keysExceptOwnStatus);
    feedQueue(caches.deployments, queue, led, ownerKeys('EventListener'));
    feedQueue(caches.services, queue, led, ownerKeys('EventListener'));
    settings.onChange(() => {
      for (const [key] of caches.listeners.entries()) if (led.owns(key)) queue.addSlow(key);
    });
    const reconcile = listenerReconciler({
      client,
      find: (key) => caches.listeners.get(key),
      settings: () => settingsNow(process, settings),
      clock: systemClock,
    });
    await runReplica(
      {
        sources: [...caches.informers, { run: () => watchingSettings }],
        controllers: [
          {
            name: 'eventlistener',
            queue,
            concurrency: flags.concurrency,
            watchdog,
            log,
            ...ledBy(led),
            reconcile,
          },
        ],
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

const told = new Set<string>();

/** A bad value is told once, on its ConfigMap and in the log. */
function settingsNow(
  { flags, log }: RoleProcess<TriggersFlags>,
  configs: Informer<KubeObject & { data?: Record<string, string> }>,
): ListenerSettings {
  const data = (name: string) => configs.store.find(flags.systemNamespace, name)?.data;
  const { settings, problems } = listenerSettings({
    defaults: data('config-defaults-triggers'),
    features: data('feature-flags-triggers'),
    logging: data('config-logging-triggers'),
  });
  for (const { message } of problems) {
    if (!told.has(message)) log.warn({ group: triggersGroup }, message);
    told.add(message);
  }
  return {
    ...settings,
    image: flags.sinkImage,
    pullPolicy: flags.pullPolicy,
    events: flags.events,
    timeouts: { read: 5, handler: 30, interceptor: 30 },
  };
}
