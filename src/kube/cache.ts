import { namespaceOfKey } from './fair-line.ts';
import type { KubeObject } from './object.ts';
import type { Change, Store } from './store.ts';

/** What a reconciler uses of a cache: reading, and telling it what was written. */
export type Cache<T extends KubeObject> = Pick<
  Store<T>,
  'get' | 'find' | 'list' | 'values' | 'entries' | 'byIndex' | 'observeWrite' | 'subscribe' | 'trim'
>;

/** A cache of these namespaces, filled by a watch for each; of all namespaces, by one, when there are none. */
export function cacheOf<T extends KubeObject>(
  namespaces: readonly string[],
  inform: (namespace: string | undefined) => Store<T>,
): Cache<T> {
  const [only, ...others] = namespaces;
  if (only === undefined || others.length === 0) return inform(only);
  return new NamespacesCache(new Map(namespaces.map((namespace) => [namespace, inform(namespace)])));
}

/**
 * One watch per namespace behind one cache: a controller that may see only some namespaces cannot watch them all at
 * once.
 */
export class NamespacesCache<T extends KubeObject> implements Cache<T> {
  readonly #stores: ReadonlyMap<string, Store<T>>;

  constructor(stores: ReadonlyMap<string, Store<T>>) {
    this.#stores = stores;
  }

  get(key: string): T | undefined {
    return this.#storeOf(key)?.get(key);
  }

  trim(key: string): void {
    this.#storeOf(key)?.trim(key);
  }

  find(namespace: string | undefined, name: string): T | undefined {
    return this.#stores.get(namespace ?? '')?.find(namespace, name);
  }

  list(): T[] {
    return [...this.values()];
  }

  *values(): Generator<T, undefined, unknown> {
    for (const store of this.#stores.values()) yield* store.values();
    return undefined;
  }

  *entries(): Generator<[string, T], undefined, unknown> {
    for (const store of this.#stores.values()) yield* store.entries();
    return undefined;
  }

  byIndex(name: string, value: string): T[] {
    return [...this.#stores.values()].flatMap((store) => store.byIndex(name, value));
  }

  observeWrite(object: T): void {
    this.#stores.get(object.metadata.namespace ?? '')?.observeWrite(object);
  }

  subscribe(handler: (change: Change<T>) => void): () => void {
    const stops = [...this.#stores.values()].map((store) => store.subscribe(handler));
    return () => stops.forEach((stop) => stop());
  }

  #storeOf(key: string): Store<T> | undefined {
    return this.#stores.get(namespaceOfKey(key));
  }
}
