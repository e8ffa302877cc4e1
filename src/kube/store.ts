import { compareResourceVersions, joinKey, keyOf } from './object.ts';
import type { KubeObject } from './object.ts';
import { withSameParts } from './same-parts.ts';

export type ChangeType = 'added' | 'updated' | 'deleted';
/**
 * One change of a stored object. `old` is absent for 'added'; for 'deleted', `object` is the last known state.
 * `origin`: 'write' when it came by observeWrite (this process wrote it and knows it), else from the API server.
 */
export interface Change<T> {
  type: ChangeType;
  key: string;
  object: T;
  old: T | undefined;
  origin: 'watch' | 'list' | 'write' | 'resync';
}
export type ChangeHandler<T> = (change: Change<T>) => void;
/** The values under which an object is found. */
export type IndexFunction<T> = (object: T) => readonly string[];

export interface StoreOptions<T> {
  indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Cuts an object down before it is kept. managedFields and the last-applied annotation go in any case. */
  transform?: (object: T) => T;
  /** Whether a written object belongs here (the watch's own selection). */
  accepts?: (object: T) => boolean;
  /** Freeze what is stored, to find code that changes shared objects; for tests. */
  freeze?: boolean;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The objects of one watch by key, with indexes. Objects are shared: never change one, copy it.
 * Versions never go back: an event older than what is stored (because a write was observed first) is not applied.
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Map<string, Map<string, T>>>();
  readonly #options: StoreOptions<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  /** Every change up to here has been delivered. */
  #watched = '';
  #synced = false;

  constructor(options: StoreOptions<T> = {}) {
    this.#options = options;
    for (const name of Object.keys(options.indexes ?? {})) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }
  /** Whether the first list is in. */
  get hasSynced(): boolean {
    return this.#synced;
  }
  /** The resourceVersion up to which the watch has delivered. */
  get resourceVersion(): string {
    return this.#watched;
  }

  /** By key ("namespace/name"). */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }
  /** By namespace and name. */
  find(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(joinKey(namespace, name));
  }
  list(): T[] {
    return [...this.#objects.values()];
  }
  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }
  entries(): IterableIterator<[string, T]> {
    return this.#objects.entries();
  }
  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** The objects under a value of a named index. @throws for an index that was not declared. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (!index)
      throw new Error(`no index ${JSON.stringify(name)}; declared: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    return [...(index.get(value)?.values() ?? [])];
  }

  /** Calls `handler` after each change, in order. Returns the way to stop. A handler that throws fails the watch. */
  subscribe(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /**
   * Puts in what a write returned, so that the next read sees it before the watch does. Ignored when the watch is
   * already past it (then the store knows better, also that it is gone) and when it is not of this selection.
   */
  observeWrite(object: T): void {
    if (this.#options.accepts && !this.#options.accepts(object)) return;
    if (compareResourceVersions(object.metadata.resourceVersion, this.#watched) <= 0) return;
    this.#put(object, 'write');
  }

  /** ADDED or MODIFIED came. */
  upsert(object: T): void {
    this.#advanceTo(object.metadata.resourceVersion);
    this.#put(object, 'watch');
  }

  /** DELETED came. A newer object of the same name (observed from a write) stays. */
  delete(object: T): void {
    this.#advanceTo(object.metadata.resourceVersion);
    const key = keyOf(object);
    const stored = this.#objects.get(key);
    if (!stored) return;
    const another = stored.metadata.uid !== object.metadata.uid;
    if (another && compareResourceVersions(stored.metadata.resourceVersion, object.metadata.resourceVersion) > 0)
      return;
    this.#remove(key, stored, 'watch');
  }

  /** A bookmark came: nothing happened up to this version. */
  advance(resourceVersion: string): void {
    this.#advanceTo(resourceVersion);
  }

  /**
   * A whole list came. What it lacks was deleted in between, except objects written after it. A list older than what
   * was seen means that the server's data went back in time (a restored etcd): then the list is the truth.
   */
  replace(items: readonly T[], resourceVersion: string): void {
    const rewound = compareResourceVersions(resourceVersion, this.#watched) < 0;
    this.#watched = resourceVersion;
    const listed = new Set(items.map(keyOf));
    for (const [key, stored] of [...this.#objects]) {
      if (listed.has(key)) continue;
      if (rewound || compareResourceVersions(stored.metadata.resourceVersion, resourceVersion) <= 0)
        this.#remove(key, stored, 'list');
    }
    for (const item of items) this.#put(item, 'list', rewound);
    this.#synced = true;
  }

  /**
   * Cuts a stored object down anew, because what decides how much of it is kept has changed. Nobody is told: for
   * readers it is the same object.
   */
  trim(key: string): void {
    const stored = this.#objects.get(key);
    if (!stored) return;
    const object = this.slim(stored);
    this.#objects.set(key, object);
    this.#index(key, object, stored);
  }

  /** Reports every object to the handlers as an update to itself. */
  resync(): void {
    for (const [key, object] of [...this.#objects])
      this.#notify({ type: 'updated', key, object, old: object, origin: 'resync' });
  }

  #advanceTo(resourceVersion: string | undefined): void {
    if (resourceVersion && compareResourceVersions(resourceVersion, this.#watched) > 0) this.#watched = resourceVersion;
  }

  #put(incoming: T, origin: Change<T>['origin'], force = false): void {
    const key = keyOf(incoming);
    const old = this.#objects.get(key);
    const order = old ? compareResourceVersions(incoming.metadata.resourceVersion, old.metadata.resourceVersion) : 1;
    if (order === 0 && old?.metadata.uid === incoming.metadata.uid) return;
    if (order < 0 && !force) return;
    const object = this.slim(withSameParts(incoming, old));
    // Deleted and created again while nobody looked: two changes, not one.
    if (old && old.metadata.uid !== object.metadata.uid) {
      this.#remove(key, old, origin);
      return this.#insert(key, object, undefined, origin);
    }
    this.#insert(key, object, old, origin);
  }

  #insert(key: string, object: T, old: T | undefined, origin: Change<T>['origin']): void {
    this.#objects.set(key, object);
    this.#index(key, object, old);
    this.#notify({ type: old ? 'updated' : 'added', key, object, old, origin });
  }

  #remove(key: string, stored: T, origin: Change<T>['origin']): void {
    this.#objects.delete(key);
    this.#index(key, undefined, stored);
    this.#notify({ type: 'deleted', key, object: stored, old: stored, origin });
  }

  /** The object as it would be kept: without managedFields and what else nobody reads. */
  slim(object: T): T {
    const { managedFields: _managedFields, ...metadata } = object.metadata;
    if (metadata.annotations && LAST_APPLIED in metadata.annotations) {
      const { [LAST_APPLIED]: _lastApplied, ...annotations } = metadata.annotations;
      metadata.annotations = annotations;
    }
    const slim = { ...object, metadata };
    const kept = this.#options.transform ? this.#options.transform(slim) : slim;
    return this.#options.freeze ? deepFreeze(kept) : kept;
  }

  #index(key: string, object: T | undefined, old: T | undefined): void {
    for (const [name, index] of this.#indexes) {
      const valuesOf = this.#options.indexes?.[name];
      if (!valuesOf) continue;
      const before = old ? valuesOf(old) : [];
      const after = object ? valuesOf(object) : [];
      for (const value of before) if (!after.includes(value)) leave(index, value, key);
      if (object) for (const value of after) entryOf(index, value).set(key, object);
    }
  }

  /** All handlers hear of it, then the first failure is thrown: one bad handler must not blind the others. */
  #notify(change: Change<T>): void {
    const failures: unknown[] = [];
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new ChangeHandlerError(change.key, failures[0]);
  }
}

/** A subscriber threw: a defect of ours, never passed over in silence. */
export class ChangeHandlerError extends Error {
  override name = 'ChangeHandlerError';
  constructor(key: string, cause: unknown) {
    super(`a change handler failed on ${key}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function leave<T>(index: Map<string, Map<string, T>>, value: string, key: string): void {
  const entry = index.get(value);
  entry?.delete(key);
  if (entry?.size === 0) index.delete(value);
}

function entryOf<T>(index: Map<string, Map<string, T>>, value: string): Map<string, T> {
  const entry = index.get(value) ?? new Map<string, T>();
  index.set(value, entry);
  return entry;
}

function deepFreeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
