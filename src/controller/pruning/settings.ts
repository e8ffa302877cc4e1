import { configPrunerName, parsePruner, type PrunerConfig } from '../../api/config/config-pruner.ts';
import { prunerMaps, type GlobalPruning, type ReadLimits } from '../../api/config/pruner-limits.ts';
import { readGlobalMap, readNamespaceMap } from '../../core/retention/maps.ts';
import type { LimitMaps } from '../../core/retention/limits.ts';
import { scheduleFault } from '../../api/cron.ts';
import type { Cache } from '../../kube/cache.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { ConfigMap, Namespace } from '../../kube/resources.ts';
import type { Change, Store } from '../../kube/store.ts';

export interface PruningSources {
  /** The ConfigMaps of the controller's own namespace. */
  configMaps: Store<ConfigMap>;
  systemNamespace: string;
  /** The maps tekton-pruner-namespace-spec. */
  namespaceMaps: Cache<ConfigMap>;
  namespaces: Namespaces;
  events: Pick<EventRecorder, 'event'>;
}

/** The namespaces that are watched. */
export type Namespaces = Pick<Store<Namespace>, 'find' | 'values' | 'subscribe'>;

/** How often a map's problems are told is how often it changes. */
type Told = Map<string, string>;

/**
 * What the owner of the cluster and its tenants want pruned, read live. What cannot be understood deletes nothing, and
 * is told by an event on the map that says it.
 */
export class PruningSettings {
  readonly #sources: PruningSources;
  readonly #told: Told = new Map();
  #pruner: PrunerConfig | undefined;
  #global: ReadLimits<GlobalPruning> | undefined;

  constructor(sources: PruningSources) {
    this.#sources = sources;
    this.#read();
  }

  /** Calls the listener with a namespace whose settings changed, without one when they changed for all. */
  onChange(listener: (namespace: string | undefined) => void): void {
    const { configMaps, namespaceMaps, namespaces } = this.#sources;
    configMaps.subscribe((change) => {
      const { name } = change.object.metadata;
      if ((name !== configPrunerName && name !== prunerMaps.global.name) || isSame(change)) return;
      this.#read();
      listener(undefined);
    });
    namespaceMaps.subscribe((change) => {
      if (!isSame(change)) listener(change.object.metadata.namespace);
    });
    namespaces.subscribe(({ object, old }) => {
      const annotations = JSON.stringify(object.metadata.annotations);
      if (annotations !== JSON.stringify(old?.metadata.annotations)) listener(object.metadata.name);
    });
  }

  /** Undefined when nothing may be deleted: it is switched off, or cannot be understood. */
  pruner(): PrunerConfig | undefined {
    return this.#pruner;
  }

  /** Undefined when the limits over this namespace cannot be understood: then none of them deletes anything. */
  limits(namespace: string): LimitMaps | undefined {
    const global = this.#global;
    if (global && global.config === undefined) return undefined;
    const map = this.#sources.namespaceMaps.find(namespace, prunerMaps.namespace.name);
    if (!map) return { global: global?.config };
    const own = readNamespaceMap(map, namespace, global?.config);
    this.#tell(map, own.problems);
    return own.config === undefined ? undefined : { global: global?.config, namespace: own.config };
  }

  namespace(name: string): Namespace | undefined {
    return this.#sources.namespaces.find(undefined, name);
  }

  /** Names of all namespaces that are watched. */
  names(): string[] {
    return [...this.#sources.namespaces.values()].map(({ metadata }) => metadata.name ?? '');
  }

  #read(): void {
    const { configMaps, systemNamespace } = this.#sources;
    const map = configMaps.find(systemNamespace, configPrunerName);
    const { pruner, problems } = readPruner(map?.data);
    if (map) this.#tell(map, problems);
    this.#pruner = pruner;
    const limits = configMaps.find(systemNamespace, prunerMaps.global.name);
    this.#global = limits && readGlobalMap(limits);
    if (limits && this.#global) this.#tell(limits, this.#global.problems);
  }

  #tell(map: ConfigMap, problems: readonly string[]): void {
    const { namespace = '', name = '' } = map.metadata;
    const text = problems.slice(0, 10).join('; ');
    const before = this.#told.get(`${namespace}/${name}`) ?? '';
    if (text === before) return;
    if (text === '') this.#told.delete(`${namespace}/${name}`);
    else this.#told.set(`${namespace}/${name}`, text);
    if (text === '') return;
    const target = { apiVersion: 'v1', kind: 'ConfigMap', metadata: map.metadata };
    this.#sources.events.event(target, 'Warning', 'InvalidConfiguration', `Invalid pruner configuration: ${text}`);
  }
}

/** Undefined when nothing may be deleted. */
function readPruner(data: ConfigMap['data']): { pruner: PrunerConfig | undefined; problems: string[] } {
  const { pruner, problems } = parsePruner(data);
  const fault = pruner.schedule === '' ? undefined : scheduleFault(pruner.schedule);
  const texts = problems.map(({ message }) => message);
  if (fault !== undefined)
    texts.push(`key schedule is ${JSON.stringify(pruner.schedule)}: ${fault}; use five fields, such as "0 8 * * *"`);
  const isUsable = fault === undefined && problems.every(({ kind }) => kind !== 'invalid-value');
  if (!isUsable) texts.push('nothing is pruned until this is corrected');
  return { pruner: isUsable && !pruner.disabled ? pruner : undefined, problems: texts };
}

function isSame({ type, object, old }: Change<ConfigMap>): boolean {
  const said = ({ data, metadata }: ConfigMap) => JSON.stringify([data, metadata.labels]);
  return type === 'updated' && old !== undefined && said(object) === said(old);
}
