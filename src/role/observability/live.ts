import { isDeepStrictEqual } from 'node:util';
import { parseLogging, type LoggedComponent } from '../../api/config/config-logging.ts';
import {
  parseObservability,
  type MetricsPushConfig,
  type ObservabilityConfig,
} from '../../api/config/config-observability.ts';
import type { ConfigProblem } from '../../api/config/values.ts';
import { systemClock, type Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { certificatesFromEnvironment } from '../../http/certificates.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { ConfigMap } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import { logLevel, type Logger } from '../../log.ts';
import { version } from '../../version.ts';
import type { Environment, RoleFlags } from '../flags.ts';
import type { HttpServer } from '../http-server.ts';
import type { Meters } from '../meters.ts';
import { MetricsServer } from './metrics-server.ts';
import type { MetricsReceiver, MetricsSender } from './otlp.ts';
import { MetricsPush } from './push.ts';
import { serveProfiles } from './profiling.ts';
import { Switch } from './switch.ts';

/** The process that is observed. */
export interface Observed {
  /** Upstream's name of its Deployment. */
  component: string;
  flags: Pick<RoleFlags, 'metricsPort' | 'profilingPort' | 'identity' | 'systemNamespace'>;
  env: Environment;
  meters: Meters;
  log: Logger;
  clock?: Clock;
  /** Loads OpenTelemetry's encoder. */
  openSender?: (receiver: MetricsReceiver) => Promise<MetricsSender>;
}

/** Where the settings are, and who hears of problems in them. */
export interface ObservabilitySource {
  configMaps: Pick<Store<ConfigMap>, 'find' | 'subscribe'>;
  namespace: string;
  names: Readonly<Record<'logging' | 'observability', string>>;
  /** Whose level in config-logging counts. */
  component: LoggedComponent;
  /** Missing: problems are in the log alone. */
  events?: Pick<EventRecorder, 'event'>;
}

/** Names of the ConfigMaps; upstream lets the environment change them, and names that of Chains otherwise. */
export function observabilityNames(
  env: Environment,
  observability = 'config-observability',
): ObservabilitySource['names'] {
  return {
    logging: env['CONFIG_LOGGING_NAME'] || 'config-logging',
    observability: env['CONFIG_OBSERVABILITY_NAME'] || observability,
  };
}

/**
 * What a process shows of itself, by settings that may change at any time: level of its log, metrics that are served,
 * sent or neither, profiles. Until it knows settings, metrics are served and the log's level is that of the start.
 */
export class LiveObservability {
  readonly #observed: Observed;
  readonly #startLevel: string;
  readonly #metrics: MetricsServer;
  readonly #push: Switch<MetricsPushConfig, MetricsPush>;
  readonly #profiles: Switch<number, HttpServer>;
  #source: ObservabilitySource | undefined;
  #changing: Promise<void> = Promise.resolve();
  #isLosing = false;

  private constructor(observed: Observed, metrics: MetricsServer) {
    this.#observed = observed;
    this.#startLevel = observed.log.level;
    this.#metrics = metrics;
    this.#push = new Switch((wanted) => this.#openPush(wanted));
    this.#profiles = new Switch((port) => serveProfiles(port));
  }

  /** Serves metrics. @throws when the port is taken */
  static async start(observed: Observed): Promise<LiveObservability> {
    const metrics = await MetricsServer.start(observed.flags.metricsPort, observed.meters);
    return new LiveObservability(observed, metrics);
  }

  /** From now on the settings there count. */
  follow(source: ObservabilitySource): void {
    this.#source = source;
    this.#readLogging(source);
    this.#readObservability(source);
    source.configMaps.subscribe(({ object, type, old }) => {
      const { name, namespace } = object.metadata;
      if (namespace !== source.namespace) return;
      if (type === 'updated' && isDeepStrictEqual(old?.data, object.data)) return;
      if (name === source.names.logging) this.#readLogging(source);
      if (name === source.names.observability) this.#readObservability(source);
    });
  }

  /** Resolves when what the settings say now is so, or was told to be impossible. */
  settled(): Promise<void> {
    return this.#changing;
  }

  /** The port metrics are served at, if they are. */
  get metricsPort(): number | undefined {
    return this.#metrics.port;
  }

  /** The port profiles are served at, if they are. */
  get profilingPort(): number | undefined {
    return this.#profiles.open?.port;
  }

  /** Sends the last values, for a moment, and ends all servers. */
  async close(): Promise<void> {
    await this.#changing;
    await Promise.allSettled([this.#push.turn(undefined), this.#profiles.turn(undefined), this.#metrics.close()]);
  }

  #readLogging(source: ObservabilitySource): void {
    const map = source.configMaps.find(source.namespace, source.names.logging);
    const { logging, problems } = parseLogging(map?.data);
    this.#report(map, problems);
    const { log } = this.#observed;
    const level = logLevel(logging[source.component] ?? '') ?? this.#startLevel;
    if (level === log.level) return;
    // Said whatever the level was or is.
    const before = log.level;
    log.level = 'info';
    log.info({ before }, `the log's level is ${level} from now on`);
    log.level = level;
  }

  #readObservability(source: ObservabilitySource): void {
    const map = source.configMaps.find(source.namespace, source.names.observability);
    const { observability, problems } = parseObservability(map?.data);
    this.#report(map, problems);
    this.#changing = this.#changing.then(() => this.#apply(observability));
  }

  /** Never rejects. */
  async #apply({ export: wanted, runtimeProfiling, runtimeExportIntervalMs }: ObservabilityConfig): Promise<void> {
    const { meters, flags } = this.#observed;
    meters.keepProcessMs = runtimeExportIntervalMs;
    const address = wanted.protocol === 'prometheus' ? wanted.address : undefined;
    const pushed = wanted.protocol === 'grpc' || wanted.protocol === 'http/protobuf' ? wanted : undefined;
    await this.#try('metrics-endpoint', () => this.#metrics.serveAt(address));
    await this.#try('metrics-protocol', () => this.#push.turn(pushed));
    await this.#try('runtime-profiling', () => this.#profiles.turn(runtimeProfiling ? flags.profilingPort : undefined));
  }

  async #try(key: string, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      this.#tell('InvalidConfiguration', `key ${key}: it cannot be as it says: ${messageOf(error)}`);
    }
  }

  async #openPush({ protocol, endpoint, intervalMs }: MetricsPushConfig): Promise<MetricsPush> {
    const { component, flags, env, meters, log, clock = systemClock } = this.#observed;
    const open = this.#observed.openSender ?? (async (to) => (await import('./otlp.ts')).openSender(to));
    const attributes = {
      'service.name': component,
      'service.version': version,
      'k8s.namespace.name': flags.systemNamespace,
      ...(flags.identity ? { 'service.instance.id': flags.identity, 'k8s.pod.name': flags.identity } : {}),
    };
    const certificates = await certificatesFromEnvironment(env);
    const sender = await open({ protocol, endpoint, certificates, env, attributes });
    this.#isLosing = false;
    log.info({ endpoint, protocol, intervalMs }, 'metrics are sent');
    const onSent = (error: Error | undefined) => this.#sent(endpoint, error);
    return new MetricsPush({ read: () => meters.read(), sender, intervalMs, clock, onSent });
  }

  /** Told once until it goes well again. */
  #sent(endpoint: string, error: Error | undefined): void {
    if (error && !this.#isLosing)
      this.#tell('MetricsNotSent', `metrics do not get to ${endpoint}, which is tried again: ${messageOf(error)}`);
    if (!error && this.#isLosing) this.#observed.log.info({ endpoint }, 'the receiver takes metrics again');
    this.#isLosing = error !== undefined;
  }

  #tell(reason: string, message: string): void {
    const source = this.#source;
    this.#observed.log.warn(message);
    if (!source) return;
    const { namespace, names } = source;
    const metadata = source.configMaps.find(namespace, names.observability)?.metadata ?? {
      name: names.observability,
      namespace,
    };
    source.events?.event({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, 'Warning', reason, message);
  }

  #report(map: ConfigMap | undefined, problems: readonly ConfigProblem[]): void {
    if (!map) return;
    for (const { key, value, message } of problems) {
      this.#observed.log.warn({ configMap: map.metadata.name, key, value }, message);
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: map.metadata };
      this.#source?.events?.event(object, 'Warning', 'InvalidConfiguration', message);
    }
  }
}
