import { found } from '../kube/client.ts';
import type { EventType } from '../kube/events.ts';
import { secrets, type ConfigMap } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import { runReplica, type ReplicaOptions } from '../kube/replica.ts';
import { systemClock } from '../clock.ts';
import { certificatesFromEnvironment } from '../http/certificates.ts';
import { HttpClient } from '../http/client.ts';
import { apiServerAddresses } from '../http/destination.ts';
import { Registries } from '../registry/client.ts';
import { commit } from '../version.ts';
import type { Environment } from '../role/flags.ts';
import type { Leadership } from '../kube/buckets.ts';
import { liveElection } from '../role/election-settings.ts';
import { electLeaders, type LeadersOf } from '../role/leadership.ts';
import { observabilityNames, type ObservabilitySource } from '../role/observability/live.ts';
import { runRole, type Role, type RoleProcess } from '../role/process.ts';
import { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { Caches } from './caches.ts';
import { cloudEventControllers } from './cloud-events/controllers.ts';
import { recordFinishedChildren, recordFinishedRuns } from './finished-runs.ts';
import { parseControllerFlags, type ControllerFlags } from './flags.ts';
import { prunerQueueName, queueNames } from './leadership.ts';
import { ChildMetrics } from './metrics/child.ts';
import { LiveRunMetrics } from './metrics/live.ts';
import { policyKmsKeys } from './policy-keys.ts';
import { pruningController } from './pruning/controller.ts';
import { PruningSettings } from './pruning/settings.ts';
import { PruningWatches } from './pruning/sources.ts';
import { makeReconcilers } from './reconcilers.ts';
import { configNames, watchSettings, type LiveSettings } from './settings.ts';
import { LiveTracing } from './tracing/live.ts';

/** Beginning and end of a run, and what is wrong with it; other events only say how far it is. */
function isImportant(type: EventType, reason: string): boolean {
  return type === 'Warning' || reason === 'Started' || reason === 'Succeeded';
}

/** The controller role: watches runs and brings them to their end. */
const controller: Role<ControllerFlags> = {
  name: 'controller',
  component: 'tekton-pipelines-controller',
  meter: 'tekton_pipelines_controller',
  eventMetrics: 'tekton_pipelines_controller_',
  isImportant,
  parseFlags: parseControllerFlags,
  work,
};

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(controller, [args, env], end);
}

async function work(process: RoleProcess<ControllerFlags>): Promise<void> {
  const { flags, env, end } = process;
  const ca = await certificatesFromEnvironment(env);
  const registries = new Registries({
    mirrors: flags.registryMirrors,
    trustedHosts: flags.registryTrustedHosts,
    internalAddresses: apiServerAddresses(env),
    ca,
  });
  // Where events go is the operator's to say, wherever that is.
  const http = new HttpClient({ anyDestination: true, ca });
  const stopSettings = new AbortController();
  let tracing: LiveTracing | undefined;
  try {
    const until = AbortSignal.any([end, stopSettings.signal]);
    const watched = await watchSettings(settingsWatch(process), until);
    observe(process, watched.configMaps);
    tracing = liveTracing(process, watched, ca);
    await tracing.follow();
    await reconcile(process, { registries, http, tracing }, watched);
  } finally {
    await tracing?.close();
    stopSettings.abort();
    await Promise.all([registries.close(), http.close()]);
  }
}

function settingsWatch({ flags, env, client, events, log }: RoleProcess<ControllerFlags>) {
  const images = { entrypoint: flags.entrypointImage, nop: flags.nopImage };
  const namespace = flags.systemNamespace;
  return { client, namespace, names: configNames(env), images, release: commit, events, log };
}

function observe(
  { flags, env, events, observe }: RoleProcess<ControllerFlags>,
  configMaps: ObservabilitySource['configMaps'],
): void {
  const names = observabilityNames(env);
  observe({ configMaps, namespace: flags.systemNamespace, names, component: 'controller', events });
}

/** Spans by the settings; what is wrong with their receiver is told on config-tracing. */
function liveTracing(
  { client, events, meters, log, env, flags: { systemNamespace: namespace } }: RoleProcess<ControllerFlags>,
  { settings, configMaps }: { settings: LiveSettings; configMaps: Pick<Store<ConfigMap>, 'find'> },
  certificates: readonly string[],
): LiveTracing {
  const name = configNames(env).tracing;
  return new LiveTracing({
    settings: () => settings.tracing(),
    readSecret: async (secret) => (await found(client.get(secrets, namespace, secret)))?.data,
    certificates,
    onProblem: (message) => {
      const metadata = configMaps.find(namespace, name)?.metadata ?? { name, namespace };
      events.event({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, 'Warning', 'TracesNotSent', message);
    },
    registry: meters.role,
    clock: systemClock,
    log,
  });
}

/** Metrics of runs, with the labels that config-observability asks for now. */
function runMetrics(
  { meters, env }: RoleProcess<ControllerFlags>,
  { taskRuns, pipelineRuns }: Caches,
  { settings, configMaps }: Pick<Awaited<ReturnType<typeof watchSettings>>, 'settings' | 'configMaps'>,
): LiveRunMetrics {
  const runs = { taskRuns: () => taskRuns.values(), pipelineRuns: () => pipelineRuns.values() };
  const metrics = new LiveRunMetrics(meters.role, runs, settings.metrics());
  const name = configNames(env).observability;
  configMaps.subscribe(({ object }) => {
    if (object.metadata.name === name) metrics.configure(settings.metrics());
  });
  return metrics;
}

async function reconcile(
  process: RoleProcess<ControllerFlags>,
  { registries, http, tracing }: { registries: Registries; http: HttpClient; tracing: LiveTracing },
  { settings, configMaps, running }: Awaited<ReturnType<typeof watchSettings>>,
): Promise<void> {
  const { flags, env, end, log, meters, client, events, watchdog, ready } = process;
  const { component } = controller;
  const caches = new Caches(client, flags, log);
  const { leaderElection, sharedElection } = configNames(env);
  const config = liveElection(configMaps, [leaderElection, sharedElection], () => settings.leaderElection());
  const candidate = { client, flags, config, component, log };
  const leaders: LeadersOf<keyof typeof queueNames> & { pruner?: Leadership } = flags.prune
    ? electLeaders({ ...candidate, queueNames: { ...queueNames, pruner: prunerQueueName } })
    : electLeaders({ ...candidate, queueNames });
  recordFinishedRuns(caches, leaders, runMetrics(process, caches, { settings, configMaps }));
  recordFinishedChildren(caches, leaders.pipelineRun, new ChildMetrics(meters.role));
  const registry = meters.infrastructure;
  const kms = policyKmsKeys(env);
  const queueMetrics = new QueueMetricsRegistry(registry);
  const around = { client, caches, leaders, settings, events, flags, tracing };
  const given = { ...around, registries, watchdog, queueMetrics, log, kms, end };
  const controllers = makeReconcilers(given);
  const receiver = { http, registry: meters.role, clock: systemClock };
  controllers.push(...cloudEventControllers({ ...given, ...receiver }));
  const sources: ReplicaOptions['sources'][number][] = [caches, { run: () => running }];
  if (leaders.pruner) {
    const watches = new PruningWatches(client, flags.namespaces, log);
    const { namespaceMaps, namespaces } = watches;
    const { systemNamespace } = flags;
    const pruning = new PruningSettings({ configMaps, systemNamespace, namespaceMaps, namespaces, events });
    sources.push(...watches.informers);
    controllers.push(
      pruningController({ ...given, ...flags, leadership: leaders.pruner, settings: pruning, registry: meters.role }),
    );
  }
  await runReplica({ sources, controllers, election: leaders, recorder: events, log, onReady: ready }, end);
}
