import { ApiError } from '../kube/api-error.ts';
import { apiVersionOf } from '../kube/object.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { pods } from '../kube/resources.ts';
import type { WatchEvent } from '../kube/watch-connection.ts';
import type { Cluster, Selection } from './cluster.ts';

type Event = WatchEvent<KubeObject> & { type: 'ADDED' | 'MODIFIED' | 'DELETED' };
interface Happening {
  resource: Resource;
  event: Event;
  version: number;
}

/** An API server in memory: objects, watches with resourceVersions, container logs. Deep copies go in and out. */
export class FakeCluster implements Cluster {
  readonly #objects = new Map<string, KubeObject>();
  readonly #history: Happening[] = [];
  readonly #logs = new Map<string, FakeLog>();
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #names = 0;
  /** Every request, as "verb plural[/name] [selectors]". */
  readonly requests: string[] = [];
  /** Errors that the next requests of a kind meet, by the request's text. */
  readonly failures = new Map<string, Error[]>();
  /** What is at paths that are no lists. */
  readonly answers = new Map<string, string>();
  /** Ends every watch that runs, as a server does from time to time. */
  #epoch = 0;

  /** Creates or changes an object; its metadata gets a resourceVersion. */
  put<T extends KubeObject>(resource: Resource<T>, object: T): void {
    const namespace = object.metadata.namespace ?? 'ns';
    const key = keyOf(resource, namespace, object.metadata.name ?? '');
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    const version = ++this.#version;
    const stored = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...structuredClone(object) };
    stored.metadata = { ...stored.metadata, namespace, resourceVersion: String(version) };
    this.#objects.set(key, stored);
    this.#happen({ resource, version, event: { type, object: stored } });
  }

  /** Changes an object that is there. */
  change<T extends KubeObject>(resource: Resource<T>, name: string, change: (object: T) => void): void {
    const object = this.#find(resource, 'ns', name);
    change(object);
    this.put(resource, object);
  }

  remove(resource: Resource, name: string, namespace = 'ns'): void {
    const object = this.#find(resource, namespace, name);
    this.#objects.delete(keyOf(resource, namespace, name));
    const version = ++this.#version;
    this.#happen({
      resource,
      version,
      event: {
        type: 'DELETED',
        object: { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } },
      },
    });
  }

  has(resource: Resource, name: string): boolean {
    return this.#objects.has(keyOf(resource, 'ns', name));
  }

  /** The log of a container, to be written to as it runs. */
  log(pod: string, container: string): FakeLog {
    const key = `${pod}/${container}`;
    const log = this.#logs.get(key) ?? new FakeLog();
    this.#logs.set(key, log);
    return log;
  }

  breakWatches(): void {
    this.#epoch++;
    this.#wake();
  }

  async get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): Promise<T> {
    this.#request(`get ${resource.plural}/${name}`);
    return this.#find(resource, namespace, name);
  }

  async list<T extends KubeObject>(
    resource: Resource<T>,
    options: Selection = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    this.#request(['list', resource.plural, options.labelSelector, options.fieldSelector].filter(Boolean).join(' '));
    const items = [...this.#objects.entries()]
      .filter(([key, object]) => key.startsWith(`${resource.plural}/`) && matches(object, options))
      .map(([, object]) => structuredClone(object) as T);
    return { items, resourceVersion: String(this.#version) };
  }

  async names(
    resource: Resource,
    options: { namespace: string | undefined; limit: number; signal?: AbortSignal | undefined },
  ): Promise<string[]> {
    this.#request(`names ${resource.plural} in ${options.namespace ?? 'all'}`);
    return [...this.#objects.entries()]
      .filter(([key, object]) => key.startsWith(`${resource.plural}/`) && matches(object, options))
      .map(([, { metadata }]) => metadata.name ?? '')
      .sort()
      .slice(0, options.limit);
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: Selection & { resourceVersion: string },
  ): AsyncGenerator<WatchEvent<T>, void> {
    this.#request(['watch', resource.plural, options.labelSelector, options.fieldSelector].filter(Boolean).join(' '));
    const epoch = this.#epoch;
    let next = this.#history.findIndex(({ version }) => version > Number(options.resourceVersion));
    if (next === -1) next = this.#history.length;
    for (;;) {
      for (; next < this.#history.length; next++) {
        const happening = this.#history[next] as Happening;
        if (happening.resource.plural === resource.plural && matches(happening.event.object, options))
          yield structuredClone(happening.event) as WatchEvent<T>;
      }
      if (epoch !== this.#epoch) return;
      await this.#something(options.signal);
    }
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const { name = `${object.metadata.generateName ?? ''}x${++this.#names}`, namespace = 'ns' } = object.metadata;
    this.#request(`create ${resource.plural}/${name}`);
    this.put(resource, { ...object, metadata: { ...object.metadata, name, namespace } });
    return this.#find(resource, namespace, name);
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    patch: { type: 'json'; body: unknown },
  ): Promise<T> {
    this.#request(`patch ${resource.plural}/${name} ${JSON.stringify(patch.body)}`);
    const object = this.#find(resource, namespace, name);
    for (const { path, value } of patch.body as { path: string; value: unknown }[]) {
      const [, ...names] = path.split('/');
      const last = names.pop() ?? '';
      const parent = names.reduce<Record<string, unknown>>(
        (at, member) => at[member] as Record<string, unknown>,
        object as unknown as Record<string, unknown>,
      );
      parent[last] = value;
    }
    this.put(resource, object);
    return this.#find(resource, namespace, name);
  }

  async delete(resource: Resource, namespace: string, name: string): Promise<unknown> {
    this.#request(`delete ${resource.plural}/${name}`);
    this.remove(resource, name, namespace);
    return undefined;
  }

  /** Lists by their path; other answers are those that a test gives. */
  async raw(_method: 'GET', path: string): Promise<string> {
    this.#request(`raw ${path}`);
    const given = this.answers.get(path);
    if (given !== undefined) return given;
    const [, namespace = '', plural = ''] = /\/namespaces\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (plural === '') throw new ApiError(404, { reason: 'NotFound', message: `${path} is not there` });
    const items = [...this.#objects.entries()]
      .filter(([key, { metadata }]) => key.startsWith(`${plural}/`) && metadata.namespace === namespace)
      .map(([, object]) => object);
    return JSON.stringify({ items });
  }

  async *podLogs(
    namespace: string,
    pod: string,
    options: {
      container: string;
      follow: boolean;
      timestamps: boolean;
      tailLines?: number;
      signal?: AbortSignal | undefined;
    },
  ): AsyncGenerator<Uint8Array, void> {
    this.#request(
      `log ${pod}/${options.container}${options.follow ? ' follow' : ''}${options.timestamps ? ' timestamps' : ''}${options.tailLines === undefined ? '' : ` tail ${options.tailLines}`}`,
    );
    this.#find(pods, namespace, pod);
    yield* this.log(pod, options.container).read(options.follow, options.signal);
  }

  #request(text: string): void {
    this.requests.push(text);
    const failure = this.failures.get(text)?.shift();
    if (failure) throw failure;
  }

  #find<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): T {
    const found = this.#objects.get(keyOf(resource, namespace, name));
    const plural = resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
    if (!found) throw new ApiError(404, { reason: 'NotFound', message: `${plural} "${name}" not found` });
    return structuredClone(found) as T;
  }

  #happen(happening: Happening): void {
    this.#history.push(happening);
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #something(signal: AbortSignal | undefined): Promise<void> {
    return waitIn(this.#waiting, signal);
  }
}

/** A container's log: text is written, then it ends. */
export class FakeLog {
  #text = '';
  #ended = false;
  #failure: Error | undefined;
  readonly #waiting = new Set<() => void>();

  write(text: string): this {
    this.#text += text;
    for (const wake of [...this.#waiting]) wake();
    return this;
  }

  end(failure?: Error): this {
    this.#ended = true;
    this.#failure = failure;
    return this.write('');
  }

  async *read(follow: boolean, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    let sent = 0;
    for (;;) {
      if (sent < this.#text.length) {
        yield Buffer.from(this.#text.slice(sent));
        sent = this.#text.length;
        continue;
      }
      if (this.#failure) throw this.#failure;
      if (!follow || this.#ended) return;
      await waitIn(this.#waiting, signal);
    }
  }
}

function waitIn(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      waiting.delete(wake);
      signal?.removeEventListener('abort', stop);
      settle();
    };
    const wake = () => finish(resolve);
    const stop = () => finish(() => reject(signal?.reason as Error));
    if (signal?.aborted) return stop();
    waiting.add(wake);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

function keyOf(resource: Resource, namespace: string, name: string): string {
  return `${resource.plural}/${namespace}/${name}`;
}

function matches(object: KubeObject, { namespace, labelSelector, fieldSelector }: Selection): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  if (fieldSelector !== undefined && fieldSelector !== `metadata.name=${object.metadata.name}`) return false;
  return (labelSelector ?? '')
    .split(',')
    .filter(Boolean)
    .every((term) => {
      const [, name = '', operator, value] = /^([^=!]+)(?:(==|=|!=)(.*))?$/.exec(term) ?? [];
      if (operator === undefined) return object.metadata.labels?.[name] !== undefined;
      const equal = object.metadata.labels?.[name] === value;
      return operator === '!=' ? !equal : equal;
    });
}
