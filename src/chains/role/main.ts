import { systemClock } from '../../clock.ts';
import { uniqueIdentity } from '../../kube/buckets.ts';
import type { KubeClient } from '../../kube/client.ts';
import { runReplica } from '../../kube/replica.ts';
import { certificatesFromEnvironment } from '../../http/certificates.ts';
import { apiServerAddresses } from '../../http/destination.ts';
import { Registries } from '../../registry/client.ts';
import { cloudHelpers } from '../../registry/cloud/index.ts';
import { dockerConfigCredentials } from '../../registry/docker-config.ts';
import { createCredentialSource } from '../../images/run-credentials.ts';
import type { Environment } from '../../role/flags.ts';
import { liveElection } from '../../role/election-settings.ts';
import { electLeaders } from '../../role/leadership.ts';
import { observabilityNames } from '../../role/observability/live.ts';
import { runRole, type Role, type RoleProcess } from '../../role/process.ts';
import { createBackends } from '../backends.ts';
import { LeaseLock } from '../storage/oci/lease-lock.ts';
import { createSignerSource, readSigningSecret } from '../signing/source.ts';
import { RunCaches } from './caches.ts';
import { makeControllers } from './controllers.ts';
import { announceSigning } from './announce.ts';
import { untilSignerIsThere } from './dormant.ts';
import { parseChainsFlags, type ChainsFlags } from './flags.ts';
import { leaseComponent, queueNames } from './leadership.ts';
import { createSigningMetrics } from './metrics.ts';
import { readSeal, wasAtWork, type SealKeySource } from './seal-key.ts';
import { createServices } from './services.ts';
import { readOtherSecret, watchOwnNamespace, type OwnNamespace } from './settings.ts';

/** The chains role: signs finished runs. */
const chains: Role<ChainsFlags> = {
  name: 'chains',
  component: 'tekton-chains-controller',
  meter: 'tekton_chains',
  eventMetrics: 'watcher_',
  parseFlags: parseChainsFlags,
  work,
};

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(chains, [args, env], end);
}

type Process = RoleProcess<ChainsFlags> & { registries: Registries };

async function work(process: RoleProcess<ChainsFlags>): Promise<void> {
  const { flags, env, end } = process;
  const registries = new Registries({
    mirrors: flags.registryMirrors,
    trustedHosts: flags.registryTrustedHosts,
    internalAddresses: apiServerAddresses(env),
    ca: await certificatesFromEnvironment(env),
  });
  const stopWatching = new AbortController();
  const place = { namespace: flags.systemNamespace };
  try {
    // Settings and keys are needed until the last run in flight is through, which is after the end was asked for.
    const starting = AbortSignal.any([end, stopWatching.signal]);
    const own = await Promise.race([watchOwnNamespace(ownNamespace(process), stopWatching.signal), aborted(starting)]);
    observe(process, own);
    if (await isUntouched(process, starting)) await untilSignerIsThere({ ...process, own, ...place }, starting);
    if (starting.aborted) return;
    await announceSigning({ ...process, ...place }, 'on', starting);
    await sign({ ...process, registries }, own, stopWatching);
  } finally {
    stopWatching.abort();
    await registries.close();
  }
}

/** Nothing was signed here, and nobody mounted keys: there are no finalizers of ours that a run would wait for. */
async function isUntouched({ flags, client }: RoleProcess<ChainsFlags>, signal: AbortSignal): Promise<boolean> {
  if (flags.signingSecretsDirectory !== undefined) return false;
  return !(await wasAtWork(sealSource(client, flags), signal));
}

function sealSource(client: KubeClient, { systemNamespace: namespace }: ChainsFlags): SealKeySource {
  return { client, namespace, now: () => systemClock.now() };
}

/** Upstream's names: its process is the watcher. */
function observe({ flags, env, events, observe }: RoleProcess<ChainsFlags>, { configMaps }: OwnNamespace): void {
  const names = observabilityNames(env, 'tekton-chains-config-observability');
  observe({ configMaps, namespace: flags.systemNamespace, names, component: 'watcher', events });
}

function ownNamespace({ flags, client, events, log }: RoleProcess<ChainsFlags>) {
  const watchSecret = flags.signingSecretsDirectory === undefined;
  return { client, namespace: flags.systemNamespace, watchSecret, events, log };
}

async function sign(
  process: Process,
  own: Awaited<ReturnType<typeof watchOwnNamespace>>,
  stopWatching: AbortController,
): Promise<void> {
  const { flags, env, end, log, meters, client, events, watchdog, ready } = process;
  const { settings } = own;
  const electionName = env['CONFIG_LEADERELECTION_NAME'] ?? 'tekton-chains-config-leader-election';
  const config = liveElection(own.configMaps, [electionName], () => settings.leaderElection(electionName));
  const leaders = electLeaders({ client, flags, config, component: leaseComponent, queueNames, log });
  const seal = await readSeal(sealSource(client, flags), AbortSignal.any([end, stopWatching.signal]));
  const caches = new RunCaches(client, { namespaces: flags.namespaces, resyncMs: flags.resyncMs, seal, log });
  const metrics = createSigningMetrics(meters.role);
  const services = servicesOf(process, own, metrics);
  const { concurrency } = flags;
  const registry = meters.infrastructure;
  const parts = { client, caches, leaders, settings, seal, services, metrics, events };
  const controllers = makeControllers({ ...parts, concurrency, watchdog, registry, log });
  const sources = [caches, { run: (signal: AbortSignal) => untilEnded(own.running, signal, stopWatching) }];
  await runReplica({ sources, controllers, election: leaders, recorder: events, log, onReady: ready }, end);
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
