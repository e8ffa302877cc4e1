import { isDeepStrictEqual } from 'node:util';
import { ApiError } from './api-error.ts';
import type {
  CutDown,
  DeleteOptions,
  KubeClient,
  Listing,
  LogOptions,
  PatchSpec,
  Selection,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { apiVersionOf, joinKey } from './object.ts';
import type { KubeObject, Resource } from './object.ts';
import { labelMatcher } from './selector.ts';
import type { WatchEvent } from './watch-connection.ts';

export type FakeVerb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'watch';
export interface FakeCall {
  verb: FakeVerb;
  resource: string;
  subresource?: string;
  key: string;
  body?: unknown;
}

interface Entry {
  resource: string;
  event: WatchEvent<KubeObject>;
}

/**
 * An API server in memory for tests of what uses a KubeClient: optimistic locks, generations, the status subresource,
 * finalizers, merge patches, watches. It does not default or validate: for that there is the real one.
 */
export class FakeKubeClient implements Pick<
  KubeClient,
  'get' | 'list' | 'create' | 'replace' | 'replaceStatus' | 'patch' | 'delete' | 'watch' | 'podLogs' | 'raw'
> {
  /** Of objects made from now on. */
  creationTimestamp = '2026-01-01T00:00:00Z';
  /** What /version says. */
  version = 'v1.34.0';
  /** Every call made, in order. */
  readonly calls: FakeCall[] = [];
  /** Called before each call; what it throws is the answer. */
  intercept: ((call: FakeCall) => void | Promise<void>) | undefined;
  /** What containers have printed, by `namespace/pod/container`. */
  readonly logs = new Map<string, string>();
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #history: Entry[] = [];
  readonly #watchers = new Set<() => void>();
  #version = 0;
  #uid = 0;

  /** Puts objects there without recording calls. */
  seed<T extends KubeObject>(resource: Resource<T>, ...objects: T[]): T[] {
    return objects.map((object) => this.#insert(resource, object));
  }

  /** The writes made so far. */
  get writes(): FakeCall[] {
    return this.calls.filter(({ verb }) => verb !== 'get' && verb !== 'list' && verb !== 'watch');
  }

  async get<T extends KubeObject>(resource: Resource<T>, namespace: string | undefined, name: string): Promise<T> {
    await this.#called({ verb: 'get', resource: resource.plural, key: joinKey(namespace, name) });
    return structuredClone(this.#existing(resource, joinKey(namespace, name)));
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: Selection & CutDown<T> = {}): Promise<Listing<T>> {
    await this.#called({ verb: 'list', resource: resource.plural, key: joinKey(options.namespace, '') });
    const items = [...this.#of(resource).values()].filter((object) => selected(object, options));
    const { transform = (object) => object } = options;
    return { items: (structuredClone(items) as T[]).map(transform), resourceVersion: String(this.#version) };
  }

  async *podLogs(namespace: string, pod: string, { container = '', limitBytes, tailLines }: LogOptions = {}) {
    const key = joinKey(namespace, pod);
    await this.#called({ verb: 'get', resource: 'pods', subresource: 'log', key });
    const text = this.logs.get(`${key}/${container}`);
    if (text === undefined)
      throw new ApiError(404, { reason: 'NotFound', message: `container ${container} has no log` });
    // In pieces that end anywhere, as the network has them.
    const lines = text.split(/(?<=\n)/);
    const asked = tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - tailLines));
    const bytes = Buffer.from(asked.join('')).subarray(0, limitBytes);
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7) as Uint8Array;
  }

  raw(method: string, path: string): Promise<string> {
    if (method === 'GET' && path === '/version') return Promise.resolve(JSON.stringify({ gitVersion: this.version }));
    return Promise.reject(new ApiError(404, { reason: 'NotFound', message: `${method} ${path}` }));
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const name =
      object.metadata.name ?? `${object.metadata.generateName ?? ''}${(this.#uid + 1).toString(36).padStart(5, '0')}`;
    const key = joinKey(object.metadata.namespace, name);
    await this.#called({ verb: 'create', resource: resource.plural, key, body: object });
    if (this.#of(resource).has(key))
      throw new ApiError(409, { reason: 'AlreadyExists', message: `${resource.plural} "${name}" already exists` });
    const named = { ...object, metadata: { ...object.metadata, name } };
    return structuredClone(options.dryRun ? named : this.#insert(resource, named));
  }

  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { subresource?: string } = {},
  ): Promise<T> {
    const key = joinKey(object.metadata.namespace, object.metadata.name ?? '');
    await this.#called({
      verb: 'update',
      resource: resource.plural,
      ...(options.subresource ? { subresource: options.subresource } : {}),
      key,
      body: object,
    });
    const stored = this.#existing(resource, key);
    this.#checkLock(resource, stored, object.metadata.resourceVersion);
    const next =
      options.subresource === 'status'
        ? { ...stored, status: (object as { status?: unknown }).status }
        : withoutStatus(object, stored);
    return structuredClone(this.#update(resource, key, stored, next)) as T;
  }

  replaceStatus<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.replace(resource, object, { ...options, subresource: 'status' });
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    patch: PatchSpec,
  ): Promise<T> {
    const key = joinKey(namespace, name);
    await this.#called({
      verb: 'patch',
      resource: resource.plural,
      ...(patch.subresource ? { subresource: patch.subresource } : {}),
      key,
      body: patch.body,
    });
    const before = this.#of(resource).get(key);
    if (patch.type === 'apply' && !before) return structuredClone(this.#insert(resource, patch.body as T));
    const stored = this.#existing(resource, key);
    const merged =
      patch.type === 'json'
        ? jsonPatched(stored, patch.body as JsonPatchOperation[])
        : (merge(stored, patch.body) as KubeObject);
    this.#checkLock(resource, stored, merged.metadata.resourceVersion);
    const next =
      patch.subresource === 'status'
        ? { ...stored, status: (merged as { status?: unknown }).status }
        : withoutStatus(merged, stored);
    return structuredClone(this.#update(resource, key, stored, next)) as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<T | undefined> {
    const key = joinKey(namespace, name);
    await this.#called({ verb: 'delete', resource: resource.plural, key });
    const stored = this.#existing(resource, key);
    if (options.uid && options.uid !== stored.metadata.uid)
      throw new ApiError(409, {
        reason: 'Conflict',
        message: `the UID in the precondition (${options.uid}) does not match`,
      });
    this.#checkLock(resource, stored, options.resourceVersion);
    if (stored.metadata.finalizers?.length) {
      const deletionTimestamp = stored.metadata.deletionTimestamp ?? '2026-01-01T00:00:00Z';
      return structuredClone(
        this.#update(resource, key, stored, { ...stored, metadata: { ...stored.metadata, deletionTimestamp } }),
      ) as T;
    }
    this.#remove(resource, key, stored);
    return undefined;
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void> {
    await this.#called({ verb: 'watch', resource: resource.plural, key: joinKey(options.namespace, '') });
    for (let at = this.#history.findIndex(({ event }) => versionOf(event) > Number(options.resourceVersion)); ;) {
      if (at === -1) at = this.#history.length;
      for (; at < this.#history.length; at++) {
        const { resource: plural, event } = this.#history[at] as Entry;
        if (
          plural === resource.plural &&
          event.type !== 'ERROR' &&
          event.type !== 'BOOKMARK' &&
          selected(event.object, options)
        )
          yield structuredClone(event) as WatchEvent<T>;
      }
      await this.#more(options.signal);
    }
  }

  #more(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        signal?.removeEventListener('abort', stop);
        this.#watchers.delete(wake);
        resolve();
      };
      const stop = () => {
        this.#watchers.delete(wake);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      this.#watchers.add(wake);
    });
  }

  async #called(call: FakeCall): Promise<void> {
    this.calls.push(structuredClone(call));
    await this.intercept?.(call);
  }

  #of(resource: Resource): Map<string, KubeObject> {
    let objects = this.#objects.get(resource.plural);
    if (!objects) this.#objects.set(resource.plural, (objects = new Map<string, KubeObject>()));
    return objects;
  }

  #existing<T extends KubeObject>(resource: Resource<T>, key: string): T {
    const object = this.#of(resource).get(key);
    if (!object)
      throw new ApiError(404, {
        reason: 'NotFound',
        message: `${resource.plural} "${key.slice(key.indexOf('/') + 1)}" not found`,
      });
    return object as T;
  }

  #checkLock(resource: Resource, stored: KubeObject, resourceVersion: string | undefined): void {
    if (!resourceVersion || resourceVersion === stored.metadata.resourceVersion) return;
    throw new ApiError(409, {
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ${resource.plural} "${stored.metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
    });
  }

  #insert<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const added = structuredClone(object);
    added.apiVersion ??= apiVersionOf(resource);
    added.kind ??= resource.kind;
    added.metadata = {
      creationTimestamp: this.creationTimestamp,
      generation: 1,
      ...added.metadata,
      uid: added.metadata.uid ?? `uid-${++this.#uid}`,
      resourceVersion: String(++this.#version),
    };
    this.#of(resource).set(joinKey(added.metadata.namespace, added.metadata.name ?? ''), added);
    this.#tell(resource, { type: 'ADDED', object: added });
    return added;
  }

  #update(resource: Resource, key: string, stored: KubeObject, next: KubeObject): KubeObject {
    const changed = JSON.stringify(specOf(next)) !== JSON.stringify(specOf(stored));
    const { uid, generation = 1 } = stored.metadata;
    const draft = {
      ...structuredClone(next),
      metadata: {
        ...structuredClone(next.metadata),
        uid,
        generation: generation + (changed ? 1 : 0),
        resourceVersion: stored.metadata.resourceVersion,
      },
    } as KubeObject;
    // As the real one: a write that changes nothing is no event.
    if (JSON.stringify(draft) === JSON.stringify(stored)) return stored;
    if (draft.metadata.deletionTimestamp && !draft.metadata.finalizers?.length)
      return this.#remove(resource, key, draft);
    draft.metadata.resourceVersion = String(++this.#version);
    this.#of(resource).set(key, draft);
    this.#tell(resource, { type: 'MODIFIED', object: draft });
    return draft;
  }

  #remove(resource: Resource, key: string, stored: KubeObject): KubeObject {
    this.#of(resource).delete(key);
    const last = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(++this.#version) } };
    this.#tell(resource, { type: 'DELETED', object: last });
    return last;
  }

  #tell(resource: Resource, event: WatchEvent<KubeObject>): void {
    this.#history.push({ resource: resource.plural, event: structuredClone(event) });
    for (const wake of [...this.#watchers]) wake();
  }
}

interface JsonPatchOperation {
  op: string;
  path: string;
  value?: unknown;
}

/**
 * add, replace, remove and test of RFC 6902, which is what controllers send. As with the real one, what is absent
 * equals null.
 */
function jsonPatched(stored: KubeObject, operations: JsonPatchOperation[]): KubeObject {
  const root = { root: structuredClone(stored) as unknown };
  for (const { op, path, value } of operations) {
    const steps = [
      'root',
      ...path
        .split('/')
        .slice(1)
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
    ];
    const last = steps.pop() as string;
    const parent = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root) as
      Record<string, unknown> | undefined;
    if (parent === undefined)
      throw new ApiError(422, {
        reason: 'Invalid',
        message: `${op} operation does not apply: doc is missing path: ${path}`,
      });
    if (op === 'test') {
      if (!isDeepStrictEqual(parent[last] ?? null, value ?? null))
        throw new ApiError(422, { reason: 'Invalid', message: `testing value ${path} failed` });
    } else if (op === 'remove' && !(last in parent))
      throw new ApiError(422, {
        reason: 'Invalid',
        message: `remove operation does not apply: doc is missing key: ${path}`,
      });
    else if (op === 'remove' && Array.isArray(parent)) parent.splice(Number(last), 1);
    else if (op === 'remove') delete parent[last];
    else if (op === 'add' && Array.isArray(parent))
      parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    else if (op === 'add' || op === 'replace') parent[last] = value;
    else throw new ApiError(422, { reason: 'Invalid', message: `the fake does not know JSON patch operation ${op}` });
  }
  return root.root as KubeObject;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete base[key];
    else base[key] = merge(base[key], value);
  }
  return base;
}

function withoutStatus(object: KubeObject, stored: KubeObject): KubeObject {
  const { status } = stored as { status?: unknown };
  return { ...object, ...(status === undefined ? {} : { status }) };
}

function specOf(object: KubeObject): unknown {
  const { metadata: _metadata, status: _status, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}

function selected(object: KubeObject, { namespace, labelSelector }: Selection): boolean {
  return (
    (!namespace || object.metadata.namespace === namespace) && labelMatcher(labelSelector ?? '')(object.metadata.labels)
  );
}

function versionOf(event: WatchEvent<KubeObject>): number {
  return event.type === 'ERROR' ? 0 : Number(event.object.metadata.resourceVersion);
}
