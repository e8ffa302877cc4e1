import type { Resource } from '../../../resource.ts';
import type { ObjectSource } from './objects.ts';
import { pathOf } from './request.ts';

/** What stands in an address of the page for the namespace of what has none. */
export const noNamespace = '-';

/** Where objects of a kind are: of one namespace, or of all. */
export function objectsPath({ group, version, plural, namespaced }: Resource, namespace: string | undefined): string {
  const root = group === '' ? `api/${version}` : `apis/${group}/${version}`;
  const place = namespaced && namespace !== undefined ? ['namespaces', namespace] : [];
  return pathOf(root, ...place, plural);
}

export function objectPath(resource: Resource, namespace: string | undefined, name: string): string {
  return pathOf(objectsPath(resource, namespace), name);
}

/** What is followed for a list of a kind. */
export function listSource(resource: Resource, namespace: string | undefined): ObjectSource {
  return { path: objectsPath(resource, namespace), ...(namespace === undefined ? { isEverywhere: true } : {}) };
}
