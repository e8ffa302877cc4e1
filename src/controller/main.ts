import { collectDefaultMetrics } from 'prom-client';
import { messageOf } from '../errors.ts';
import { loadClusterConfig } from '../kube/config.ts';
import { KubeClient } from '../kube/client.ts';
import { EventRecorder, type EventType } from '../kube/events.ts';
import { runReplica } from '../kube/replica.ts';
import { Watchdog } from '../kube/watchdog.ts';
import { certificatesFromEnvironment } from '../http/certificates.ts';
import { apiServerAddresses } from '../http/destination.ts';
import { Registries } from '../registry/client.ts';
import { createLogger, logLevel, type Logger } from '../log.ts';
import { commit, version } from '../version.ts';
import { Caches } from './caches.ts';
import { ClientMetrics } from '../role/client-metrics.ts';
import { eventCounter } from '../role/event-metrics.ts';
import { parseControllerFlags, type ControllerFlags } from './flags.ts';
import { serveMetrics, serveProbes, type HttpServer } from '../role/http-server.ts';
import { electLeaders } from '../role/leadership.ts';
import { Meters } from '../role/meters.ts';
import { queueNames } from './leadership.ts';
import { makeReconcilers } from './reconcilers.ts';
import { PipelineRunMetrics, registerRunningPipelineRuns } from './metrics/pipeline-run.ts';
import { TaskRunMetrics, registerRunningTaskRuns } from './metrics/task-run.ts';
import { recordFinishedRuns } from './finished-runs.ts';
import { configNames, watchSettings } from './settings.ts';

const component = 'tekton-pipelines-controller';

/**
 * The controller role: watches runs and brings them to their end, until the signal asks it to stop; then finishes what
 * is in flight, gives its leases back and returns 0.
 * @throws FlagError for wrong flags; anything else is a defect and ends the process, so that it is started anew.
 */
export async function main(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  end: AbortSignal,
): Promise<number> {
  const flags = parseControllerFlags(args, env);
  const log = createLogger({ name: component, level: logLevel(flags.logLevel) ?? 'info' });
  const meters = new Meters('tekton_pipelines_controller');
  const config = await loadClusterConfig({
    ...(flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}),
    ...(flags.context ? { context: flags.context } : {}),
  });
  const clientMetrics = new ClientMetrics(meters.infrastructure, config.server);
  const client = new KubeClient(config, {
    userAgent: `${component}/${version}`,
    qps: flags.qps,
    burst: flags.burst,
    onRequest: (record) => clientMetrics.record(record),
  });
  log.info({ version, server: config.server.href, namespaces: flags.namespaces }, 'controller starts');
  try {
    await run({ flags, env, end, log, meters, client });
    log.info('controller ended');
    return 0;
  } catch (error) {
    log.fatal({ error }, `controller failed: ${messageOf(error)}`);
    return 1;
  } finally {
    await client.close(true);
  }
}

/** Beginning and end of a run, and what is wrong with it; other events only say how far it is. */
function isImportant(type: EventType, reason: string): boolean {
  return type === 'Warning' || reason === 'Started' || reason === 'Succeeded';
}

interface Process {
  flags: ControllerFlags;
  env: Readonly<Record<string, string | undefined>>;
  end: AbortSignal;
  log: Logger;
  meters: Meters;
  client: KubeClient;
}

async function run(process: Process): Promise<void> {
  const { flags, env, end, log, meters, client } = process;
  collectDefaultMetrics({ register: meters.process });
  const state = { ready: false };
  const events = new EventRecorder({
    client,
    component,
    log,
    isImportant,
    onWrite: eventCounter(meters.role, 'tekton_pipelines_controller_'),
  });
  const watchdog = new Watchdog(log);
  const caches = new Caches(client, flags.namespaces, log);
  const stopSettings = new AbortController();
  const registries = new Registries({
    mirrors: flags.registryMirrors,
    trustedHosts: flags.registryTrustedHosts,
    internalAddresses: apiServerAddresses(env),
    ca: await certificatesFromEnvironment(env),
  });
  const servers: HttpServer[] = [];
  end.addEventListener('abort', () => (state.ready = false), { once: true });
  try {
    servers.push(
      await serveProbes(flags.probesPort, { health: () => watchdog.isAlive(), readiness: () => state.ready }),
    );
    servers.push(await serveMetrics(flags.metricsPort, meters));
    const images = { entrypoint: flags.entrypointImage, nop: flags.nopImage };
    const watch = {
      client,
      namespace: flags.systemNamespace,
      names: configNames(env),
      images,
      release: commit,
      events,
      log,
    };
    const { settings, running } = await watchSettings(watch, AbortSignal.any([end, stopSettings.signal]));
    const { metrics } = settings.observability();
    registerRunningTaskRuns(meters.role, () => caches.taskRuns.values(), metrics);
    registerRunningPipelineRuns(meters.role, () => caches.pipelineRuns.values(), metrics);
    const leaders = electLeaders({ client, flags, env, config: settings.leaderElection(), component, queueNames, log });
    recordFinishedRuns(caches, leaders, {
      taskRuns: new TaskRunMetrics(meters.role, metrics),
      pipelineRuns: new PipelineRunMetrics(meters.role, metrics),
    });
    const controllers = makeReconcilers({
      client,
      caches,
      leaders,
      settings,
      events,
      flags,
      registries,
      watchdog,
      registry: meters.infrastructure,
      log,
      end,
    });
    const onReady = () => {
      log.info('ready');
      state.ready = true;
    };
    await runReplica(
      { sources: [caches, { run: () => running }], controllers, election: leaders, recorder: events, log, onReady },
      end,
    );
  } catch (error) {
    if (!end.aborted) throw error;
  } finally {
    stopSettings.abort();
    await Promise.allSettled([registries.close(), ...servers.map((server) => server.close())]);
  }
}
