import { isGone } from './api-error.ts';
import type {
  CallOptions,
  CutDown,
  DeleteOptions,
  KubeClientOptions,
  ListOptions,
  Listing,
  LogOptions,
  Page,
  PatchSpec,
  Selection,
  WatchOptions,
  WriteOptions,
} from './client-options.ts';
import type { ClusterConfig } from './config.ts';
import { apiVersionOf, pathOf } from './object.ts';
import type { KubeObject, Resource } from './object.ts';
import {
  createRequest,
  deleteCollectionRequest,
  deleteRequest,
  getRequest,
  listRequest,
  patchRequest,
  replaceRequest,
} from './requests.ts';
import { Transport } from './transport.ts';
import type { HttpRequest } from './transport.ts';
import { readWatch } from './watch-connection.ts';
import type { WatchEvent } from './watch-connection.ts';

export {
  ApiError,
  found,
  isAlreadyExists,
  isConflict,
  isNotFound,
  isOutdated,
  unlessExists,
  unlessNotFound,
} from './api-error.ts';

export type * from './client-options.ts';

const PAGE_SIZE = 500;

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

  /** Whether several calls within its rate limit are under way: what is not urgent stays behind them. */
  get isBusy(): boolean {
    return this.#transport.isBusy;
  }

  get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    options: CallOptions & { resourceVersion?: string } = {},
  ): Promise<T> {
    return this.#json(getRequest({ resource, namespace, name }, options));
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
    const body = await this.#json<{
      items?: T[] | null;
      metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
    }>(listRequest(resource, options));
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
      ...listRequest(resource, { ...call, namespace, limit }),
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    });
    return (body.items ?? []).flatMap(({ metadata }) => (metadata?.name ? [metadata.name] : []));
  }

  /** Creates. With `generateName` a lost connection is not retried: the object may exist under a name nobody knows. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#json(createRequest(resource, object, options));
  }

  /** PUT of the whole object, guarded by its resourceVersion when it has one. */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { subresource?: string } = {},
  ): Promise<T> {
    return this.#json(replaceRequest(resource, object, options));
  }

  /** PUT of the status subresource. */
  replaceStatus<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.replace(resource, object, { ...options, subresource: 'status' });
  }

  /** 'strategic' exists for built-in kinds only; 'apply' needs `fieldManager` and creates what is missing. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    patch: PatchSpec & WriteOptions,
  ): Promise<T> {
    return this.#json(patchRequest({ resource, namespace, name }, patch));
  }

  /** The object as it was or (with finalizers) still is; undefined when the server answered with a mere Status. */
  async delete<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<T | undefined> {
    const answer = await this.#json<T>(deleteRequest({ resource, namespace, name }, options));
    return answer.kind === 'Status' ? undefined : answer;
  }

  async deleteCollection(
    resource: Resource,
    options: Selection & Pick<DeleteOptions, 'propagationPolicy' | 'gracePeriodSeconds' | 'signal'> = {},
  ): Promise<void> {
    await this.#transport.send(deleteCollectionRequest(resource, options));
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

/** In place. */
function cutDown<T>(items: T[], transform: CutDown<T>['transform']): T[] {
  if (transform) items.forEach((item, index) => (items[index] = transform(item)));
  return items;
}
