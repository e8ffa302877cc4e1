import type { KubeObject, ObjectMeta, OwnerReference, Resource } from '../resource.ts';

export type { KubeObject, ObjectMeta, OwnerReference, Resource };

/** "tekton.dev/v1", or "v1" in the core group. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/**
 * The key of an object in stores and queues: "namespace/name"; "/name" when it has no namespace (knative's
 * NamespacedName).
 */
export function keyOf(object: { metadata: ObjectMeta }): string {
  return joinKey(object.metadata.namespace, object.metadata.name ?? '');
}

export function joinKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/**
 * Order of two resourceVersions: negative when `a` is older. They are decimal numbers of any length without leading
 * zeros (promised since Kubernetes 1.35, true of etcd always); "" and undefined are older than everything.
 */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number {
  const left = a ?? '';
  const right = b ?? '';
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Path of a collection, or of one object when `name` is given. */
export function pathOf(resource: Resource, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${resource.plural}${object}${subresource ? `/${subresource}` : ''}`;
}
