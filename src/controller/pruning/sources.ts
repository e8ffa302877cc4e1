import { prunerMaps } from '../../api/config/pruner-limits.ts';
import { cacheOf, type Cache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { KubeObject } from '../../kube/object.ts';
import { configMaps, namespaces, type ConfigMap, type Namespace } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import type { Logger } from '../../log.ts';
import { namespacePrefix } from '../../core/retention/schedule.ts';
import type { Namespaces } from './settings.ts';

/** Watches of what pruning alone needs: ConfigMaps of the one name, and of namespaces their names and marks. */
export class PruningWatches {
  readonly namespaceMaps: Cache<ConfigMap>;
  readonly namespaces: Namespaces;
  /** What has to run for them. */
  readonly informers: Informer<KubeObject>[] = [];

  /** `namespaces` empty: all of them. */
  constructor(client: KubeClient, watched: readonly string[], log: Logger) {
    const fieldSelector = `metadata.name=${prunerMaps.namespace.name}`;
    this.namespaceMaps = cacheOf(watched, (namespace) =>
      this.#started(new Informer<ConfigMap>({ client, resource: configMaps, namespace, fieldSelector, log })),
    );
    const common = { client, resource: namespaces, transform: keptNamespace, log };
    const [all, ...others] = (watched.length === 0 ? [undefined] : watched).map((name) =>
      this.#started(
        new Informer<Namespace>({
          ...common,
          ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
        }),
      ),
    );
    this.namespaces = all && others.length === 0 ? all : joined([...(all ? [all] : []), ...others]);
  }

  #started<T extends KubeObject>(informer: Informer<T>): Store<T> {
    this.informers.push(informer as unknown as Informer<KubeObject>);
    return informer.store;
  }
}

function keptNamespace(namespace: Namespace): Namespace {
  const { name, uid, resourceVersion, annotations = {} } = namespace.metadata;
  const kept = Object.entries(annotations).filter(([key]) => key.startsWith(namespacePrefix));
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      annotations: Object.fromEntries(kept),
    },
  };
}

/** One watch for each of some namespaces, as one. */
function joined(stores: readonly Store<Namespace>[]): Namespaces {
  return {
    find: (namespace, name) => stores.map((store) => store.find(namespace, name)).find((found) => found !== undefined),
    *values() {
      for (const store of stores) yield* store.values();
      return undefined;
    },
    subscribe: (handler) => {
      const stops = stores.map((store) => store.subscribe(handler));
      return () => stops.forEach((stop) => stop());
    },
  };
}
