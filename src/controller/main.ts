import { Registry, collectDefaultMetrics } from 'prom-client';
import { messageOf } from '../errors.ts';
import { loadClusterConfig } from '../kube/config.ts';
import { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import { createLogger, logLevel, type Logger } from '../log.ts';
import { version } from '../version.ts';
import { Caches } from './caches.ts';
import { ClientMetrics } from './client-metrics.ts';
import { parseControllerFlags, type ControllerFlags } from './flags.ts';
import { serveMetrics, serveProbes, type HttpServer } from './http-server.ts';
import { electLeaders } from './leadership.ts';
import { startReconcilers } from './reconcilers.ts';
import { RunMetrics, registerRunningGauges } from './run-metrics.ts';
import { recordFinishedRuns } from './finished-runs.ts';
import { configNames, watchSettings } from './settings.ts';

const component = 'tekton-pipelines-controller';

/**
 * The controller role: watches runs and brings them to their end, until the signal asks it to stop; then finishes what
 * is in flight, gives its leases back and returns 0.
 * @throws FlagError for wrong flags; anything else is a defect and ends the process, so that it is started anew.
 */
export async function main(args: readonly string[], env: Readonly<Record<string, string | undefined>>, end: AbortSignal): Promise<number> {
  const flags = parseControllerFlags(args, env);
  const log = createLogger({ name: component, level: logLevel(flags.logLevel) ?? 'info' });
  const registry = new Registry();
  const clientMetrics = new ClientMetrics(registry);
  const config = await loadClusterConfig({ ...(flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}), ...(flags.context ? { context: flags.context } : {}) });
  const client = new KubeClient(config, {
    userAgent: `${component}/${version}`,
    qps: flags.qps,
    burst: flags.burst,
    onRequest: (record) => clientMetrics.record(record),
  });
  log.info({ version, server: config.server.href, namespaces: flags.namespaces }, 'controller starts');
  try {
    await run({ flags, env, end, log, registry, client });
    log.info('controller ended');
    return 0;
  } catch (error) {
    log.fatal({ error }, `controller failed: ${messageOf(error)}`);
    return 1;
  } finally {
    await client.close(true);
  }
}

interface Process {
  flags: ControllerFlags;
  env: Readonly<Record<string, string | undefined>>;
  end: AbortSignal;
  log: Logger;
  registry: Registry;
  client: KubeClient;
}

async function run(process: Process): Promise<void> {
  const { flags, env, end, log, registry, client } = process;
  collectDefaultMetrics({ register: registry });
  const state = { ready: false };
  const servers: HttpServer[] = [];
  // Watches and leases outlive the reconcilers: these finish their work with both in place.
  const background = new AbortController();
  const events = new EventRecorder({ client, component, log });
  const caches = new Caches(client, flags.namespaces, log);
  try {
    servers.push(await serveProbes(flags.probesPort, { health: () => true, readiness: () => state.ready }));
    servers.push(await serveMetrics(flags.metricsPort, registry));
    const { settings, running: watchingSettings } = await watchSettings(
      { client, namespace: flags.systemNamespace, names: configNames(env), images: { entrypoint: flags.entrypointImage, nop: flags.nopImage }, release: version, events, log },
      background.signal,
    );
    const { metrics } = settings.observability();
    registerRunningGauges(registry, { taskRuns: () => caches.taskRuns.values(), pipelineRuns: () => caches.pipelineRuns.values() }, metrics);
    const leaders = electLeaders({ client, flags, env, config: settings.leaderElection(), component, log });
    recordFinishedRuns(caches, leaders, new RunMetrics(registry, metrics));
    const reconcilers = startReconcilers({ client, caches, leaders, settings, events, flags, registry, log });
    const watching = caches.run(background.signal);
    await Promise.race([caches.synced(end), watching]);
    log.info('caches are filled');
    state.ready = true;
    const leading = leaders.run(background.signal);
    await Promise.race([reconcilers.run(end), watching, leading, watchingSettings]);
    state.ready = false;
    await events.flush();
    background.abort();
    await Promise.allSettled([watching, leading, watchingSettings]);
  } catch (error) {
    if (!end.aborted) throw error;
  } finally {
    background.abort();
    await Promise.allSettled(servers.map((server) => server.close()));
  }
}
