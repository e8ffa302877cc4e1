import type { CallOptions, DeleteOptions, ListOptions, PatchSpec, Selection, WriteOptions } from './client-options.ts';
import { apiVersionOf, pathOf, type KubeObject, type Resource } from './object.ts';
import type { HttpRequest } from './transport.ts';

/** The one object, or the collection, that a request is about. */
interface Target {
  resource: Resource;
  namespace: string | undefined;
  name?: string;
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export function getRequest(
  { resource, namespace, name }: Target,
  { resourceVersion, ...call }: CallOptions & { resourceVersion?: string },
): HttpRequest {
  return {
    ...call,
    method: 'GET',
    verb: 'get',
    resource: resource.plural,
    path: pathOf(resource, namespace, name),
    namespace,
    query: { resourceVersion },
    idempotent: true,
  };
}

/** One page. A continue token carries its own resourceVersion; the server refuses both together. */
export function listRequest(resource: Resource, options: ListOptions & { continue?: string }): HttpRequest {
  const { namespace, labelSelector, fieldSelector, limit, resourceVersion, continue: token, ...call } = options;
  return {
    ...call,
    method: 'GET',
    verb: 'list',
    resource: resource.plural,
    path: pathOf(resource, namespace),
    namespace,
    query: {
      labelSelector,
      fieldSelector,
      limit: limit || undefined,
      continue: token,
      resourceVersion: token ? undefined : resourceVersion,
    },
    idempotent: true,
  };
}

/** Of a create with `generateName` a lost connection is not retried: the object may exist under a name nobody knows. */
export function createRequest(resource: Resource, object: KubeObject, options: WriteOptions): HttpRequest {
  const { dryRun, fieldManager, ...call } = options;
  return {
    ...call,
    method: 'POST',
    verb: 'create',
    resource: resource.plural,
    path: pathOf(resource, object.metadata.namespace),
    namespace: object.metadata.namespace,
    query: { dryRun: dryRun ? 'All' : undefined, fieldManager },
    body: typed(resource, object),
    idempotent: object.metadata.name !== undefined || dryRun === true,
  };
}

/** @throws for an object without a name */
export function replaceRequest(
  resource: Resource,
  object: KubeObject,
  options: WriteOptions & { subresource?: string },
): HttpRequest {
  const { dryRun, fieldManager, subresource, ...call } = options;
  const { namespace, name } = object.metadata;
  if (!name) throw new Error(`cannot replace a ${resource.kind} without metadata.name`);
  return {
    ...call,
    method: 'PUT',
    verb: 'update',
    resource: metricName(resource, subresource),
    path: pathOf(resource, namespace, name, subresource),
    namespace,
    query: { dryRun: dryRun ? 'All' : undefined, fieldManager },
    body: typed(resource, object),
    idempotent: true,
  };
}

/** @throws for an apply without fieldManager */
export function patchRequest({ resource, namespace, name }: Target, patch: PatchSpec & WriteOptions): HttpRequest {
  const { type, body, subresource, force, dryRun, fieldManager, ...call } = patch;
  const isApply = type === 'apply';
  if (isApply && !fieldManager)
    throw new Error(`apply of ${resource.kind} ${namespace ?? ''}/${name} needs a fieldManager`);
  return {
    ...call,
    method: 'PATCH',
    verb: isApply ? 'apply' : 'patch',
    resource: metricName(resource, subresource),
    path: pathOf(resource, namespace, name, subresource),
    namespace,
    query: { dryRun: dryRun ? 'All' : undefined, fieldManager, force: isApply ? force : undefined },
    body: JSON.stringify(body),
    contentType: PATCH_TYPES[type],
    idempotent: type !== 'json',
  };
}

export function deleteRequest({ resource, namespace, name }: Target, options: DeleteOptions): HttpRequest {
  const { signal, unlimited, attempts, dryRun, ...rest } = options;
  return {
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
  };
}

export function deleteCollectionRequest(
  resource: Resource,
  options: Selection & Pick<DeleteOptions, 'propagationPolicy' | 'gracePeriodSeconds' | 'signal'>,
): HttpRequest {
  const { namespace, labelSelector, fieldSelector, signal, ...rest } = options;
  return {
    signal,
    method: 'DELETE',
    verb: 'deletecollection',
    resource: resource.plural,
    path: pathOf(resource, namespace),
    namespace,
    query: { labelSelector, fieldSelector },
    body: deleteBody(rest),
    idempotent: true,
  };
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
