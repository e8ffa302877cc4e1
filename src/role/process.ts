import { collectDefaultMetrics } from 'prom-client';
import { systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { KubeClient } from '../kube/client.ts';
import { loadClusterConfig } from '../kube/config.ts';
import { EventRecorder, type EventRecorderOptions, type EventType } from '../kube/events.ts';
import { Watchdog } from '../kube/watchdog.ts';
import { createLogger, logLevel, type Logger } from '../log.ts';
import { version } from '../version.ts';
import { ClientMetrics } from './client-metrics.ts';
import { eventCounter } from './event-metrics.ts';
import type { Environment, RoleFlags } from './flags.ts';
import { serveProbes, type HttpServer } from './http-server.ts';
import { Meters } from './meters.ts';
import { LiveObservability, type ObservabilitySource } from './observability/live.ts';
import { checkServerVersion } from './server-version.ts';

/** A server process of the suite, as data: what is its own about it. */
export interface Role<Flags extends RoleFlags> {
  /** As in `tektite NAME`. */
  name: string;
  /** Upstream's name of its Deployment: the logger, the user agent and the source of events have it. */
  component: string;
  /** Upstream's name of its meter, a label of its series. */
  meter: string;
  /** What the names of its own series of events begin with. */
  eventMetrics: string;
  /** Events that are never dropped for others. */
  isImportant?: (type: EventType, reason: string) => boolean;
  /** How much it tells of one object, where that is not client-go's. */
  eventsPerObject?: EventRecorderOptions['perObject'];
  /** @throws FlagError */
  parseFlags: (args: readonly string[], env: Environment) => Flags;
  /** Works until `end` is aborted and what is in flight has ended. Rejects when the process should be started anew. */
  work: (process: RoleProcess<Flags>) => Promise<void>;
}

/** What a role works with. */
export interface RoleProcess<Flags extends RoleFlags> {
  flags: Flags;
  env: Environment;
  /** The process is to end. */
  end: AbortSignal;
  log: Logger;
  meters: Meters;
  client: KubeClient;
  events: EventRecorder;
  /** Hand it to the controllers: work that hangs makes /health fail. */
  watchdog: Watchdog;
  /** Lets the settings there say what is logged, what becomes of metrics, and whether profiles are served. */
  observe: (source: ObservabilitySource) => void;
  /** Makes /readiness answer 200, until the end is asked for. */
  ready: () => void;
}

/**
 * Runs a role: client, metrics, probes and the log of its beginning and end are the same for all. Returns the exit
 * status: 0 after an end that was asked for, 1 after a failure, which is logged.
 * @throws FlagError for wrong flags.
 */
export async function runRole<Flags extends RoleFlags>(
  role: Role<Flags>,
  [args, env]: readonly [readonly string[], Environment],
  end: AbortSignal,
): Promise<number> {
  const flags = role.parseFlags(args, env);
  const log = createLogger({ name: role.component, level: logLevel(flags.logLevel) ?? 'info' });
  const meters = new Meters(role.meter);
  const config = await loadClusterConfig({
    ...(flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}),
    ...(flags.context ? { context: flags.context } : {}),
  });
  const clientMetrics = new ClientMetrics(meters.infrastructure, config.server);
  const client = new KubeClient(config, {
    userAgent: `${role.component}/${version}`,
    qps: flags.qps,
    burst: flags.burst,
    onRequest: (record) => clientMetrics.record(record),
  });
  log.info({ version, server: config.server.href, namespaces: flags.namespaces }, `${role.name} starts`);
  try {
    await served(role, { flags, env, end, log, meters, client });
    log.info(`${role.name} ended`);
    return 0;
  } catch (error) {
    log.fatal({ error }, `${role.name} failed: ${messageOf(error)}`);
    return 1;
  } finally {
    await client.close(true);
  }
}

/** Works behind probes and metrics. */
async function served<Flags extends RoleFlags>(
  role: Role<Flags>,
  process: Omit<RoleProcess<Flags>, 'events' | 'watchdog' | 'observe' | 'ready'>,
): Promise<void> {
  const { flags, end, log, meters, client } = process;
  collectDefaultMetrics({ register: meters.process });
  const watchdog = new Watchdog(log);
  const events = new EventRecorder({
    client,
    component: role.component,
    log,
    ...(role.isImportant ? { isImportant: role.isImportant } : {}),
    ...(role.eventsPerObject ? { perObject: role.eventsPerObject } : {}),
    isBusy: () => client.isBusy,
    onWrite: eventCounter(meters.role, role.eventMetrics),
  });
  const state = { ready: false };
  end.addEventListener('abort', () => (state.ready = false), { once: true });
  const servers: Pick<HttpServer, 'close'>[] = [];
  try {
    servers.push(
      await serveProbes(flags.probesPort, { health: () => watchdog.isAlive(), readiness: () => state.ready }),
    );
    const observability = await LiveObservability.start({ ...process, component: role.component });
    servers.push(observability);
    await checkServerVersion({ ...process, clock: systemClock }, end);
    const ready = () => {
      if (end.aborted) return;
      log.info('ready');
      state.ready = true;
    };
    const observe = (source: ObservabilitySource) => observability.follow(source);
    await role.work({ ...process, events, watchdog, observe, ready });
  } catch (error) {
    if (!end.aborted) throw error;
  } finally {
    await Promise.allSettled(servers.map((server) => server.close()));
  }
}
