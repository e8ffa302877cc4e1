import { systemClock } from '../../clock.ts';
import { certificatesFromEnvironment } from '../../http/certificates.ts';
import { HttpClient } from '../../http/client.ts';
import { apiServerAddresses } from '../../http/destination.ts';
import { createCredentialSource } from '../../images/run-credentials.ts';
import { runReplica } from '../../kube/replica.ts';
import { Registries } from '../../registry/client.ts';
import type { Environment } from '../../role/flags.ts';
import { liveElection } from '../../role/election-settings.ts';
import { electLeaders } from '../../role/leadership.ts';
import { observabilityNames } from '../../role/observability/live.ts';
import { runRole, type Role, type RoleProcess } from '../../role/process.ts';
import { allResolvers } from '../all.ts';
import { ResolutionCache } from '../cache/cache.ts';
import { RemoteFetch } from '../remote.ts';
import { secretValues } from '../secrets.ts';
import { leaseComponent, makeControllers, queueNames, RequestCaches } from './controllers.ts';
import { parseResolversFlags, type ResolversFlags } from './flags.ts';
import { watchResolverSettings } from './settings.ts';

/** The resolvers role: answers ResolutionRequests. */
const resolvers: Role<ResolversFlags> = {
  name: 'resolvers',
  component: 'tekton-pipelines-remote-resolvers',
  meter: 'tekton_resolution',
  eventMetrics: 'tekton_resolution_',
  parseFlags: parseResolversFlags,
  work,
};

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(resolvers, [args, env], end);
}

interface Connections {
  http: HttpClient;
  registries: Registries;
}

async function work(process: RoleProcess<ResolversFlags>): Promise<void> {
  const { flags, env, end } = process;
  const around = { internalAddresses: apiServerAddresses(env), ca: await certificatesFromEnvironment(env) };
  const connections: Connections = {
    http: new HttpClient(around),
    registries: new Registries({
      ...around,
      mirrors: flags.registryMirrors,
      trustedHosts: flags.registryTrustedHosts,
    }),
  };
  const stop = new AbortController();
  try {
    await resolve(process, connections, AbortSignal.any([end, stop.signal]));
  } finally {
    stop.abort();
    await Promise.all([connections.http.close(), connections.registries.close()]);
  }
}

async function resolve(
  process: RoleProcess<ResolversFlags>,
  { http, registries }: Connections,
  signal: AbortSignal,
): Promise<void> {
  const { flags, env, end, log, meters, client, events, watchdog, observe, ready } = process;
  const { systemNamespace, hubs, concurrency } = flags;
  const cache = new ResolutionCache({ maxSize: 1000, ttlMs: 300_000 }, systemClock);
  const watch = { client, namespace: systemNamespace, env, events, log };
  const watched = await watchResolverSettings(watch, (changed) => cache.configure(changed), signal);
  const { settings, configMaps, running } = watched;
  const names = observabilityNames(env);
  // Upstream's resolvers have the level of a controller.
  observe({ configMaps, namespace: systemNamespace, names, component: 'controller', events });
  cache.configure(settings.cache());
  const config = liveElection(configMaps, [settings.electionName], () => settings.leaderElection());
  const leaders = electLeaders({ client, flags, config, component: leaseComponent, queueNames, log });
  const caches = new RequestCaches(client, flags, log);
  const controllers = makeControllers({
    client,
    caches,
    leaders,
    resolvers: allResolvers({
      client,
      remote: new RemoteFetch(http),
      secrets: secretValues(client),
      registries,
      credentials: createCredentialSource({ client }),
      hubs,
      systemNamespace,
    }),
    settings,
    cache,
    concurrency,
    watchdog,
    registry: meters.infrastructure,
    log,
  });
  const sources = [caches, { run: () => running }];
  await runReplica({ sources, controllers, election: leaders, recorder: events, log, onReady: ready }, end);
}
