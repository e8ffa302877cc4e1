import { isDeepStrictEqual } from 'node:util';
import { parseBackOff } from '../api/config/config-back-off.ts';
import { parseConcurrency, type ConcurrencyRule } from '../api/config/config-concurrency.ts';
import { parseDefaults } from '../api/config/config-defaults.ts';
import { parseEvents, type EventsConfig } from '../api/config/config-events.ts';
import type { LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import {
  parseObservability,
  type MetricsConfig,
  type ObservabilityConfig,
} from '../api/config/config-observability.ts';
import { parseSpire } from '../api/config/config-spire.ts';
import { parseTracing, tracingOf, type TracingConfig } from '../api/config/config-tracing.ts';
import { parseFeatureFlags } from '../api/config/feature-flags.ts';
import type { ConfigProblem } from '../api/config/values.ts';
import type { Settings } from '../core/settings.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { Informer } from '../kube/informer.ts';
import { configMaps, type ConfigMap } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import type { Logger } from '../log.ts';
import { electionSettings } from '../role/election-settings.ts';
import { ineffectiveDefaults, ineffectiveFlags } from '../api/config/ineffective.ts';

/** Names of the ConfigMaps; upstream lets the environment change them (CONFIG_DEFAULTS_NAME and so on). */
export interface ConfigNames {
  defaults: string;
  featureFlags: string;
  observability: string;
  leaderElection: string;
  /** Of the name before the components had maps of their own: counts where theirs says nothing. */
  sharedElection: string;
  concurrency: string;
  events: string;
  backOff: string;
  tracing: string;
  spire: string;
}

/** Where CloudEvents about runs go, and about which. */
export interface CloudEventSettings extends EventsConfig {
  /** Flag send-cloudevents-for-runs. */
  customRuns: boolean;
}

export function configNames(env: Readonly<Record<string, string | undefined>>): ConfigNames {
  return {
    defaults: env['CONFIG_DEFAULTS_NAME'] ?? 'config-defaults',
    featureFlags: env['CONFIG_FEATURE_FLAGS_NAME'] ?? 'feature-flags',
    observability: env['CONFIG_OBSERVABILITY_NAME'] ?? 'config-observability',
    leaderElection: env['CONFIG_LEADERELECTION_NAME'] ?? 'config-leader-election-controller',
    sharedElection: 'config-leader-election',
    concurrency: 'config-concurrency',
    events: env['CONFIG_EVENTS_NAME'] ?? 'config-events',
    backOff: env['CONFIG_WAIT_EXPONENTIAL_BACKOFF_NAME'] ?? 'config-wait-exponential-backoff',
    tracing: env['CONFIG_TRACING_NAME'] ?? 'config-tracing',
    spire: env['CONFIG_SPIRE'] ?? 'config-spire',
  };
}

/** What LiveSettings is made from. */
export interface SettingsSource {
  /** The ConfigMaps of the controller's own namespace. */
  configMaps: Store<ConfigMap>;
  namespace: string;
  names: ConfigNames;
  images: Settings['images'];
  release: string;
  log: Logger;
  /** Told of every problem in a map, so that it ends in an event on the map. */
  onProblem: (map: ConfigMap, problem: ConfigProblem) => void;
}

/**
 * The operator's settings, read live: each change of a ConfigMap makes a new snapshot. A bad value keeps its default
 * and is reported by name; it never stops the controller.
 */
export class LiveSettings {
  readonly #source: SettingsSource;
  #current: Settings;
  #events: EventsConfig = parseEvents(undefined).events;
  #lastRules: readonly ConcurrencyRule[] = [];
  #tracing: TracingConfig = parseTracing(undefined).tracing;

  constructor(source: SettingsSource) {
    this.#source = source;
    this.#current = this.#read();
    const { leaderElection: _own, sharedElection: _shared, ...live } = source.names;
    const names = new Set(Object.values(live));
    source.configMaps.subscribe(({ object, type, old }) => {
      const name = object.metadata.name ?? '';
      if (!names.has(name)) return;
      if (type === 'updated' && JSON.stringify(old?.data) === JSON.stringify(object.data)) return;
      this.#current = this.#read();
      source.log.info({ configMap: name, change: type }, 'settings read again');
    });
  }

  current(): Settings {
    return this.#current;
  }

  /** config-events counts before the deprecated default-cloud-events-sink, as upstream. */
  cloudEvents(): CloudEventSettings {
    const { flags, defaults } = this.#current;
    const sink = this.#events.sink || defaults.cloudEventsSink;
    return { ...this.#events, sink, customRuns: flags.sendCloudEventsForRuns };
  }

  /** The same object until something in it changes. */
  tracing(): TracingConfig {
    return this.#tracing;
  }

  /** Labels of the metrics of runs. LiveObservability tells what is wrong there. */
  metrics(): MetricsConfig {
    return parseObservability(this.#map(this.#source.names.observability)?.data).observability.metrics;
  }

  /** Buckets and periods. Unusable periods give the defaults. */
  leaderElection(): LeaderElectionConfig {
    const own = this.#map(this.#source.names.leaderElection);
    const shared = this.#map(this.#source.names.sharedElection);
    const { leaderElection, problems } = electionSettings({ ...shared?.data, ...own?.data });
    const isShared = ({ key }: ConfigProblem) => own?.data?.[key] === undefined && shared?.data?.[key] !== undefined;
    this.#report(shared, problems.filter(isShared));
    this.#report(
      own ?? shared,
      problems.filter((problem) => !isShared(problem)),
    );
    return leaderElection;
  }

  #read(): Settings {
    const { names, images, release } = this.#source;
    const flagsMap = this.#map(names.featureFlags);
    const defaultsMap = this.#map(names.defaults);
    const { flags, problems: flagProblems } = parseFeatureFlags(flagsMap?.data);
    const { defaults, problems: defaultProblems } = parseDefaults(defaultsMap?.data);
    this.#report(flagsMap, [...flagProblems, ...ineffectiveFlags(flags)]);
    this.#report(defaultsMap, [...defaultProblems, ...ineffectiveDefaults(defaults, flags)]);
    const eventsMap = this.#map(names.events);
    const { events, problems: eventProblems } = parseEvents(eventsMap?.data);
    this.#report(eventsMap, eventProblems);
    this.#events = events;
    const backOffMap = this.#map(names.backOff);
    const { backOff, problems: backOffProblems } = parseBackOff(backOffMap?.data);
    this.#report(backOffMap, backOffProblems);
    const spireMap = this.#map(names.spire);
    const { spire, problems: spireProblems } = parseSpire(spireMap?.data);
    this.#report(spireMap, spireProblems);
    this.#tracing = this.#readTracing();
    const creationBackOff = flags.enableWaitExponentialBackoff ? backOff : undefined;
    return { flags, defaults, concurrency: this.#rules(), creationBackOff, spire, images, release };
  }

  #readTracing(): TracingConfig {
    const { names } = this.#source;
    const map = this.#map(names.tracing);
    const { tracing, problems } = parseTracing(map?.data);
    this.#report(map, problems);
    const observabilityMap = this.#map(names.observability);
    const { observability } = parseObservability(observabilityMap?.data);
    this.#report(observabilityMap, unsupportedTracing(observability));
    const read = tracingOf(tracing, observability);
    return isDeepStrictEqual(read, this.#tracing) ? this.#tracing : read;
  }

  /** Rules that cannot be read leave those that were: a slip of the pen must not let everything run at once. */
  #rules(): readonly ConcurrencyRule[] {
    const map = this.#map(this.#source.names.concurrency);
    const { rules, problems } = parseConcurrency(map?.data);
    this.#report(map, problems);
    if (!problems.some(({ kind }) => kind === 'invalid-value')) this.#lastRules = rules;
    return this.#lastRules;
  }

  #map(name: string): ConfigMap | undefined {
    return this.#source.configMaps.find(this.#source.namespace, name);
  }

  #report(map: ConfigMap | undefined, problems: readonly ConfigProblem[]): void {
    if (!map) return;
    for (const problem of problems) {
      this.#source.log.warn({ configMap: map.metadata.name, key: problem.key, value: problem.value }, problem.message);
      this.#source.onProblem(map, problem);
    }
  }
}

/** What of the tracing keys cannot be as it says. */
function unsupportedTracing({ tracingProtocol: value, tracingEndpoint }: ObservabilityConfig): ConfigProblem[] {
  const key = 'tracing-protocol';
  if (value === 'none') return [];
  if (value === 'stdout') {
    const message = `${key}: "stdout" is not supported, where the log is; nothing is recorded; use "http/protobuf" or "grpc"`;
    return [{ kind: 'invalid-value', key, value, message }];
  }
  if (tracingEndpoint !== '') return [];
  const message = 'tracing-endpoint is missing, so that nothing is recorded: set the URL of an OTLP receiver';
  return [{ kind: 'invalid-value', key: 'tracing-endpoint', value: '', message }];
}

interface SettingsWatch {
  client: KubeClient;
  namespace: string;
  names: ConfigNames;
  images: Settings['images'];
  release: string;
  events: EventRecorder;
  log: Logger;
}

/**
 * Watches the ConfigMaps of the controller's namespace and waits for the first reading. A problem in one becomes an
 * event on it. `running` ends with the signal, and rejects on a defect.
 */
export async function watchSettings(
  watch: SettingsWatch,
  signal: AbortSignal,
): Promise<{ settings: LiveSettings; configMaps: Store<ConfigMap>; running: Promise<void> }> {
  const { client, namespace, names, images, release, events, log } = watch;
  const informer = new Informer<ConfigMap>({ client, resource: configMaps, namespace, log });
  const running = informer.run(signal);
  await Promise.race([informer.synced(signal), running]);
  const onProblem = (map: ConfigMap, problem: ConfigProblem) =>
    events.event(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: map.metadata },
      'Warning',
      'InvalidConfiguration',
      problem.message,
    );
  return {
    settings: new LiveSettings({ configMaps: informer.store, namespace, names, images, release, log, onProblem }),
    configMaps: informer.store,
    running,
  };
}
