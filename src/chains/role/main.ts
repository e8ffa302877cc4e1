import { collectDefaultMetrics } from 'prom-client';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { uniqueIdentity } from '../../kube/buckets.ts';
import { KubeClient } from '../../kube/client.ts';
import { loadClusterConfig } from '../../kube/config.ts';
import { EventRecorder } from '../../kube/events.ts';
import { runReplica } from '../../kube/replica.ts';
import { Watchdog } from '../../kube/watchdog.ts';
import { createLogger, logLevel, type Logger } from '../../log.ts';
import { certificatesFromEnvironment } from '../../http/certificates.ts';
import { apiServerAddresses } from '../../http/destination.ts';
import { Registries } from '../../registry/client.ts';
import { cloudHelpers } from '../../registry/cloud/index.ts';
import { dockerConfigCredentials } from '../../registry/docker-config.ts';
import { createCredentialSource } from '../../images/run-credentials.ts';
import { ClientMetrics } from '../../role/client-metrics.ts';
import { eventCounter } from '../../role/event-metrics.ts';
import { serveMetrics, serveProbes, type HttpServer } from '../../role/http-server.ts';
import { Meters } from '../../role/meters.ts';
import { version } from '../../version.ts';
import { createBackends } from '../backends.ts';
import { LeaseLock } from '../storage/oci/lease-lock.ts';
import { createSignerSource, readSigningSecret } from '../signing/source.ts';
import { RunCaches } from './caches.ts';
import { makeControllers } from './controllers.ts';
import { parseChainsFlags, type ChainsFlags } from './flags.ts';
import { electLeaders } from '../../role/leadership.ts';
import { leaseComponent, queueNames } from './leadership.ts';
import { createSigningMetrics } from './metrics.ts';
import { readSeal } from './seal-key.ts';
import { createServices } from './services.ts';
import { readOtherSecret, watchOwnNamespace } from './settings.ts';

const component = 'tekton-chains-controller';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The chains role: signs finished runs until the signal asks it to stop; then finishes what is in flight, gives its
 * leases back and returns 0.
 * @throws FlagError for wrong flags; anything else is a defect and ends the process, so that it is started anew.
 */
export async function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  const flags = parseChainsFlags(args, env);
  const log = createLogger({ name: component, level: logLevel(flags.logLevel) ?? 'info' });
  const meters = new Meters('tekton_chains');
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
  const registries = new Registries({
    mirrors: flags.registryMirrors,
    trustedHosts: flags.registryTrustedHosts,
    internalAddresses: apiServerAddresses(env),
    ca: await certificatesFromEnvironment(env),
  });
  log.info({ version, server: config.server.href, namespaces: flags.namespaces }, 'chains starts');
  try {
    await run({ flags, env, end, log, meters, client, registries });
    log.info('chains ended');
    return 0;
  } catch (error) {
    log.fatal({ error }, `chains failed: ${messageOf(error)}`);
    return 1;
  } finally {
    await Promise.all([client.close(true), registries.close()]);
  }
}

interface Process {
  flags: ChainsFlags;
  env: Environment;
  end: AbortSignal;
  log: Logger;
  meters: Meters;
  client: KubeClient;
  registries: Registries;
}

async function run(process: Process): Promise<void> {
  const { flags, env, end, log, meters, client } = process;
  collectDefaultMetrics({ register: meters.process });
  const state = { ready: false };
  const stopWatching = new AbortController();
  const servers: HttpServer[] = [];
  end.addEventListener('abort', () => (state.ready = false), { once: true });
  try {
    const watchdog = new Watchdog(log);
    servers.push(
      await serveProbes(flags.probesPort, { health: () => watchdog.isAlive(), readiness: () => state.ready }),
    );
    servers.push(await serveMetrics(flags.metricsPort, meters));
    const events = new EventRecorder({ client, component, log, onWrite: eventCounter(meters.role, 'watcher_') });
    const watching = {
      client,
      namespace: flags.systemNamespace,
      watchSecret: flags.signingSecretsDirectory === undefined,
      events,
      log,
    };
    // Settings and keys are needed until the last run in flight is through, which is after the end was asked for.
    const starting = AbortSignal.any([end, stopWatching.signal]);
    const own = await Promise.race([watchOwnNamespace(watching, stopWatching.signal), aborted(starting)]);
    const { settings } = own;
    const leaders = electLeaders({
      client,
      flags,
      env,
      config: settings.leaderElection(env['CONFIG_LEADERELECTION_NAME'] ?? 'tekton-chains-config-leader-election'),
      component: leaseComponent,
      queueNames,
      log,
    });
    const seal = await readSeal({ client, namespace: flags.systemNamespace, now: () => systemClock.now() }, starting);
    const caches = new RunCaches(client, { namespaces: flags.namespaces, seal, log });
    const metrics = createSigningMetrics(meters.role);
    const services = servicesOf(process, own, metrics);
    const controllers = makeControllers({
      client,
      caches,
      leaders,
      settings,
      seal,
      services,
      metrics,
      events,
      concurrency: flags.concurrency,
      watchdog,
      registry: meters.infrastructure,
      log,
    });
    const onReady = () => {
      log.info('ready');
      state.ready = true;
    };
    const sources = [caches, { run: (signal: AbortSignal) => untilEnded(own.running, signal, stopWatching) }];
    await runReplica({ sources, controllers, election: leaders, recorder: events, log, onReady }, end);
  } catch (error) {
    if (!end.aborted) throw error;
  } finally {
    stopWatching.abort();
    await Promise.allSettled(servers.map((server) => server.close()));
  }
}

function servicesOf(
  { flags, env, client, registries, log }: Process,
  own: Awaited<ReturnType<typeof watchOwnNamespace>>,
  metrics: ReturnType<typeof createSigningMetrics>,
) {
  const directory = flags.signingSecretsDirectory;
  const around = { observe: metrics.observe, clock: systemClock, env };
  const signer = createSignerSource({
    ...around,
    config: () => own.settings.current(),
    secret: directory === undefined ? own.secret : () => readSigningSecret(directory),
    otherSecret: (name) => readOtherSecret(client, flags.systemNamespace, name),
  });
  const tagLock = flags.lockTagsByLease
    ? new LeaseLock({ client, namespace: flags.systemNamespace, identity: flags.identity ?? uniqueIdentity() })
    : undefined;
  const runCredentials = createCredentialSource({ client });
  const credentials = createCredentialSource({
    client,
    helpers: cloudHelpers(systemClock),
    dockerConfig: (host, repository, signal) => dockerConfigCredentials(host, repository, signal, { env }),
  });
  return createServices(
    signer,
    createBackends({
      client,
      registries,
      credentials,
      runCredentials,
      env,
      clock: systemClock,
      log,
      ...(tagLock ? { tagLock } : {}),
    }),
    { around, registries, runCredentials },
  );
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** A source of the replica that was started before it: stops with it, and its failure is the replica's. */
async function untilEnded(running: Promise<void>, signal: AbortSignal, stop: AbortController): Promise<void> {
  if (signal.aborted) stop.abort();
  else signal.addEventListener('abort', () => stop.abort(), { once: true });
  await running;
}
