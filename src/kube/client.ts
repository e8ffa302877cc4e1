import type { Clock } from '../clock.ts';
import { isGone } from './api-error.ts';
import type { ClusterConfig } from './config.ts';
import { apiVersionOf, pathOf } from './object.ts';
import type { KubeObject, Resource } from './object.ts';
import { Transport } from './transport.ts';
import type { HttpRequest, RequestRecord } from './transport.ts';
import { readWatch } from './watch-connection.ts';
import type { WatchEvent } from './watch-connection.ts';

export { ApiError, found, isAlreadyExists, isConflict, isNotFound, isOutdated, unlessNotFound } from './api-error.ts';

export interface KubeClientOptions {
  userAgent?: string;
  qps?: number;
  burst?: number;
  onRequest?: (record: RequestRecord) => void;
  http2?: boolean;
  timeoutMs?: number;
  clock?: Clock;
  random?: () => number;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Not counted against the client's rate limit: for leases, and for who has a limit of his own. */
  unlimited?: boolean;
  /** Tries in all when the connection is lost; 1 for none. */
  attempts?: number;
}
export interface WriteOptions extends CallOptions {
  dryRun?: boolean;
  fieldManager?: string;
}
export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}
export interface ListOptions extends Selection, CallOptions {
  /** Objects a page; default 500. */
  limit?: number;
  resourceVersion?: string;
}
/** Cuts each object down as its page arrives, so that a long list never is in memory whole. */
export interface CutDown<T> {
  transform?: (object: T) => T;
}
export interface Listing<T> {
  items: T[];
  resourceVersion: string;
}
export interface Page<T> extends Listing<T> {
  continue?: string;
  remainingItemCount?: number;
}
export interface PatchSpec {
  type: 'merge' | 'json' | 'strategic' | 'apply';
  body: unknown;
  subresource?: string;
  fieldManager?: string;
  force?: boolean;
}
export interface DeleteOptions extends CallOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  /** Preconditions: delete only this very object, or only in this state. */
  uid?: string;
  resourceVersion?: string;
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}
export interface WatchOptions extends Selection {
  resourceVersion: string;
  signal?: AbortSignal | undefined;
  timeoutSeconds?: number;
  /** Silence after which the connection counts as dead; bookmarks come about once a minute. Default 120 s. */
  idleMs?: number;
}
export interface LogOptions {
  container?: string;
  follow?: boolean;
  timestamps?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  previous?: boolean;
  limitBytes?: number;
  signal?: AbortSignal | undefined;
}

const PAGE_SIZE = 500;
const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/**
 * The API server in plain JSON over kept connections. Objects are what the server sent: no field is dropped or
 * converted. Failures are ApiError (an answer) or transport errors (none came, after retries).
 */
export class KubeClient {
  readonly config: ClusterConfig;
  readonly #transport: Transport;

  constructor(config: ClusterConfig, options: KubeClientOptions = {}) {
    this.config = config;
    this.#transport = new Transport(config, options);
  }

  get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    options: CallOptions & { resourceVersion?: string } = {},
  ): Promise<T> {
    const { resourceVersion, ...call } = options;
    return this.#json({
      ...call,
      method: 'GET',
      verb: 'get',
      resource: resource.plural,
      path: pathOf(resource, namespace, name),
      namespace,
      query: { resourceVersion },
      idempotent: true,
    });
  }

  /**
   * All objects, page by page, as of one resourceVersion. A listing that expires half way begins again without pages.
   */
  async list<T extends KubeObject>(
    resource: Resource<T>,
    { transform, ...options }: ListOptions & CutDown<T> = {},
  ): Promise<Listing<T>> {
    const items: T[] = [];
    let token: string | undefined;
    try {
      for (;;) {
        const page = await this.listPage(resource, {
          ...options,
          limit: options.limit ?? PAGE_SIZE,
          ...(token ? { continue: token } : {}),
        });
        for (const item of cutDown(page.items, transform)) items.push(item);
        if (!page.continue) return { items, resourceVersion: page.resourceVersion };
        token = page.continue;
      }
    } catch (error) {
      if (!token || !isGone(error)) throw error;
      // As client-go's pager: one whole answer cannot expire. What was read so far must go first, and each object is
      // cut down in place: the whole list may be as large as memory allows.
      items.length = 0;
      const whole = await this.listPage(resource, { ...options, limit: 0 });
      return { items: cutDown(whole.items, transform), resourceVersion: whole.resourceVersion };
    }
  }

  /** One page; `continue` in the answer is the token of the next. */
  async listPage<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions & { continue?: string } = {},
  ): Promise<Page<T>> {
    const { namespace, labelSelector, fieldSelector, limit, resourceVersion, continue: token, ...call } = options;
    // A continue token carries its own resourceVersion; the server refuses both together.
    const query = {
      labelSelector,
      fieldSelector,
      limit: limit || undefined,
      continue: token,
      resourceVersion: token ? undefined : resourceVersion,
    };
    const body = await this.#json<{
      items?: T[] | null;
      metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
    }>({
      ...call,
      method: 'GET',
      verb: 'list',
      resource: resource.plural,
      path: pathOf(resource, namespace),
      namespace,
      query,
      idempotent: true,
    });
    const apiVersion = apiVersionOf(resource);
    for (const item of body.items ?? []) {
      // Items of built-in kinds come without these.
      item.apiVersion ??= apiVersion;
      item.kind ??= resource.kind;
    }
    return { items: body.items ?? [], resourceVersion: '', ...body.metadata };
  }

  /** Names alone, at most `limit` of them: the server is asked for metadata only, in one page. */
  async names(
    resource: Resource,
    { namespace, limit, ...call }: CallOptions & { namespace: string | undefined; limit: number },
  ): Promise<string[]> {
    const body = await this.#json<{ items?: { metadata?: { name?: string } }[] | null }>({
      ...call,
      method: 'GET',
      verb: 'list',
      resource: resource.plural,
      path: pathOf(resource, namespace),
      namespace,
      query: { limit },
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
      idempotent: true,
    });
    return (body.items ?? []).flatMap(({ metadata }) => (metadata?.name ? [metadata.name] : []));
  }

  /** Creates. With `generateName` a lost connection is not retried: the object may exist under a name nobody knows. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { dryRun, fieldManager, ...call } = options;
    return this.#json({
      ...call,
      method: 'POST',
      verb: 'create',
      resource: resource.plural,
      path: pathOf(resource, object.metadata.namespace),
      namespace: object.metadata.namespace,
      query: { dryRun: dryRun ? 'All' : undefined, fieldManager },
      body: typed(resource, object),
      idempotent: object.metadata.name !== undefined || dryRun === true,
    });
  }

  /** PUT of the whole object, guarded by its resourceVersion when it has one. */
  replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { subresource?: string } = {},
  ): Promise<T> {
    const { dryRun, fieldManager, subresource, ...call } = options;
    const { namespace, name } = object.metadata;
    if (!name) return Promise.reject(new Error(`cannot replace a ${resource.kind} without metadata.name`));
    return this.#json({
      ...call,
      method: 'PUT',
      verb: 'update',
      resource: metricName(resource, subresource),
      path: pathOf(resource, namespace, name, subresource),
      namespace,
      query: { dryRun: dryRun ? 'All' : undefined, fieldManager },
      body: typed(resource, object),
      idempotent: true,
    });
  }

  /** PUT of the status subresource. */
  replaceStatus<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.replace(resource, object, { ...options, subresource: 'status' });
  }

  /** 'strategic' exists for built-in kinds only; 'apply' needs `fieldManager` and creates what is missing. */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    patch: PatchSpec & WriteOptions,
  ): Promise<T> {
    const { type, body, subresource, force, dryRun, fieldManager, ...call } = patch;
    const isApply = type === 'apply';
    if (isApply && !fieldManager)
      return Promise.reject(new Error(`apply of ${resource.kind} ${namespace ?? ''}/${name} needs a fieldManager`));
    return this.#json({
      ...call,
      method: 'PATCH',
      verb: isApply ? 'apply' : 'patch',
      resource: metricName(resource, subresource),
      path: pathOf(resource, namespace, name, subresource),
      namespace,
      query: {
        dryRun: dryRun ? 'All' : undefined,
        fieldManager,
        force: isApply ? force : undefined,
      },
      body: JSON.stringify(body),
      contentType: PATCH_TYPES[type],
      idempotent: type !== 'json',
    });
  }

  /** The object as it was or (with finalizers) still is; undefined when the server answered with a mere Status. */
  async delete<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<T | undefined> {
    const { signal, unlimited, attempts, dryRun, ...rest } = options;
    const answer = await this.#json<T>({
      signal,
      ...(unlimited ? { unlimited } : {}),
      ...(attempts ? { attempts } : {}),
      method: 'DELETE',
      verb: 'delete',
      resource: resource.plural,
      path: pathOf(resource, namespace, name),
      namespace,
      query: { dryRun: dryRun ? 'All' : undefined },
      body: deleteBody(rest),
      idempotent: true,
    });
    return answer.kind === 'Status' ? undefined : answer;
  }

  async deleteCollection(
    resource: Resource,
    options: Selection & Pick<DeleteOptions, 'propagationPolicy' | 'gracePeriodSeconds' | 'signal'> = {},
  ): Promise<void> {
    const { namespace, labelSelector, fieldSelector, signal, ...rest } = options;
    await this.#transport.send({
      signal,
      method: 'DELETE',
      verb: 'deletecollection',
      resource: resource.plural,
      path: pathOf(resource, namespace),
      namespace,
      query: { labelSelector, fieldSelector },
      body: deleteBody(rest),
      idempotent: true,
    });
  }

  /**
   * One watch connection: ends when the server ends it, throws when it breaks. For a watch that never ends see
   * Informer.
   */
  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal } = options;
    const stop = new AbortController();
    const body = await this.#transport.stream({
      method: 'GET',
      verb: 'watch',
      resource: resource.plural,
      path: pathOf(resource, namespace),
      namespace,
      idempotent: true,
      attempts: 1,
      unlimited: true,
      query: { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds, labelSelector, fieldSelector },
      signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    });
    try {
      yield* readWatch<T>(body, options.idleMs);
    } finally {
      stop.abort();
      body.destroy();
    }
  }

  /** A container's log as bytes. Ends with the container (follow) or with what there is. */
  async *podLogs(namespace: string, pod: string, options: LogOptions = {}): AsyncGenerator<Uint8Array, void> {
    const { signal, ...query } = options;
    const body = await this.#transport.stream({
      method: 'GET',
      verb: 'get',
      resource: 'pods/log',
      namespace,
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`,
      query,
      accept: '*/*',
      idempotent: true,
      signal,
    });
    try {
      for await (const chunk of body) yield chunk as Uint8Array;
    } finally {
      body.destroy();
    }
  }

  /** Anything else (discovery, /version, /readyz): the body's text. */
  raw(
    method: HttpRequest['method'],
    path: string,
    options: {
      body?: string;
      contentType?: string;
      accept?: string;
      query?: HttpRequest['query'];
      signal?: AbortSignal;
      attempts?: number;
    } = {},
  ): Promise<string> {
    return this.#transport.send({
      ...options,
      method,
      path,
      verb: method.toLowerCase(),
      resource: 'raw',
      idempotent: method === 'GET',
    });
  }

  /** Waits for running requests; `force` breaks them off. */
  close(force = false): Promise<void> {
    return this.#transport.close(force);
  }

  async #json<R>(request: HttpRequest): Promise<R> {
    const text = await this.#transport.send(request);
    try {
      return JSON.parse(text) as R;
    } catch (cause) {
      throw new Error(`${request.method} ${request.path}: the answer is not JSON: ${text.slice(0, 200)}`, { cause });
    }
  }
}

function typed(resource: Resource, object: KubeObject): string {
  return JSON.stringify({
    ...object,
    apiVersion: object.apiVersion ?? apiVersionOf(resource),
    kind: object.kind ?? resource.kind,
  });
}

function metricName(resource: Resource, subresource: string | undefined): string {
  return subresource ? `${resource.plural}/${subresource}` : resource.plural;
}

function deleteBody(
  options: Pick<DeleteOptions, 'propagationPolicy' | 'uid' | 'resourceVersion' | 'gracePeriodSeconds'>,
): string {
  const { uid, resourceVersion, ...rest } = options;
  const preconditions = uid || resourceVersion ? { preconditions: { uid, resourceVersion } } : {};
  return JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', ...rest, ...preconditions });
}

/** In place. */
function cutDown<T>(items: T[], transform: CutDown<T>['transform']): T[] {
  if (transform) items.forEach((item, index) => (items[index] = transform(item)));
  return items;
}
