import type { LeaderElectionConfig } from '../../api/config/config-leader-election.ts';
import { ConfigValues, type ConfigProblem } from '../../api/config/values.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { Informer } from '../../kube/informer.ts';
import { configMaps, type ConfigMap } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import type { Logger } from '../../log.ts';
import { electionSettings } from '../../role/election-settings.ts';
import type { Environment } from '../../role/flags.ts';
import type { CacheSettings } from '../cache/cache.ts';
import { checkConfig } from '../config-check.ts';
import { configNames, shippedConfig } from '../defaults.ts';
import { resolverTypes, type ConfigData, type Resolver, type ResolverType } from '../resolver.ts';

const flagsName = 'resolvers-feature-flags';

export interface SettingsSource {
  configMaps: Pick<Store<ConfigMap>, 'find' | 'subscribe'>;
  namespace: string;
  env: Environment;
  onProblem: (map: ConfigMap, problem: ConfigProblem) => void;
}

/** The resolvers' ConfigMaps as they are now. A bad value keeps its default, or closes what it guards, and is told. */
export class ResolverSettings {
  readonly #source: SettingsSource;
  readonly #cacheName: string;
  #enabled: Readonly<Record<ResolverType, boolean>>;
  #cache: CacheSettings;

  constructor(source: SettingsSource, onCache: (settings: CacheSettings) => void = () => undefined) {
    this.#source = source;
    this.#cacheName = source.env['RESOLVER_CACHE_CONFIG_MAP_NAME'] || 'resolver-cache-config';
    this.#enabled = this.#readFlags();
    this.#cache = this.#readCache();
    for (const type of resolverTypes) this.#check(type, this.#map(configNames[type]));
    source.configMaps.subscribe(({ object }) => {
      const { name, namespace } = object.metadata;
      if (namespace !== source.namespace) return;
      if (name === flagsName) this.#enabled = this.#readFlags();
      const checked = resolverTypes.find((type) => configNames[type] === name);
      if (checked !== undefined) this.#check(checked, this.#map(configNames[checked]));
      if (name !== this.#cacheName) return;
      this.#cache = this.#readCache();
      onCache(this.#cache);
    });
  }

  isEnabled(type: ResolverType): boolean {
    return this.#enabled[type];
  }

  cache(): CacheSettings {
    return this.#cache;
  }

  /** The ConfigMap of a resolver, with what upstream ships where it says nothing. */
  config({ type, configName }: Pick<Resolver, 'type' | 'configName'>): ConfigData {
    return { ...shippedConfig[type], ...this.#map(configName)?.data };
  }

  get electionName(): string {
    return this.#source.env['CONFIG_LEADERELECTION_NAME'] || 'config-leader-election-resolvers';
  }

  leaderElection(): LeaderElectionConfig {
    const map = this.#map(this.electionName);
    const { leaderElection, problems } = electionSettings(map?.data);
    this.#report(map, problems);
    return leaderElection;
  }

  #readFlags(): Readonly<Record<ResolverType, boolean>> {
    const map = this.#map(flagsName);
    const values = new ConfigValues(map?.data);
    const enabled = resolverTypes.map(
      (type) => [type, values.boolean(`enable-${type}-resolver`, true, false)] as const,
    );
    this.#report(map, values.reportUnknownKeys());
    return Object.fromEntries(enabled) as Record<ResolverType, boolean>;
  }

  #readCache(): CacheSettings {
    const map = this.#map(this.#cacheName);
    const values = new ConfigValues(map?.data);
    const settings = {
      maxSize: values.integer('max-size', 1000, 1, 1_000_000),
      ttlMs: values.durationMs('ttl', 300_000),
    };
    this.#report(map, values.reportUnknownKeys());
    return settings;
  }

  #check(type: ResolverType, map: ConfigMap | undefined): void {
    this.#report(map, checkConfig(type, map?.data ?? {}));
  }

  #map(name: string): ConfigMap | undefined {
    return this.#source.configMaps.find(this.#source.namespace, name);
  }

  #report(map: ConfigMap | undefined, problems: readonly ConfigProblem[]): void {
    if (map) for (const problem of problems) this.#source.onProblem(map, problem);
  }
}

interface SettingsWatch {
  client: KubeClient;
  namespace: string;
  env: Environment;
  events: EventRecorder;
  log: Logger;
}

/** Watches the ConfigMaps of the role's namespace and waits for the first reading. `running` ends with the signal. */
export async function watchResolverSettings(
  { client, namespace, env, events, log }: SettingsWatch,
  onCache: (settings: CacheSettings) => void,
  signal: AbortSignal,
): Promise<{ settings: ResolverSettings; configMaps: Store<ConfigMap>; running: Promise<void> }> {
  const informer = new Informer<ConfigMap>({ client, resource: configMaps, namespace, log });
  const running = informer.run(signal);
  await Promise.race([informer.synced(signal), running]);
  const onProblem = (map: ConfigMap, problem: ConfigProblem) => {
    log.warn({ configMap: map.metadata.name, key: problem.key, value: problem.value }, problem.message);
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: map.metadata };
    events.event(object, 'Warning', 'InvalidConfiguration', problem.message);
  };
  return {
    settings: new ResolverSettings({ configMaps: informer.store, namespace, env, onProblem }, onCache),
    configMaps: informer.store,
    running,
  };
}
