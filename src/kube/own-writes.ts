import { isSameJson } from '../same-json.ts';
import type { KubeObject } from './object.ts';
import type { Change } from './store.ts';

/**
 * For feedQueue: the key of each change, except of those that only carry the status which this process has just
 * written. The plan that wrote it has nothing to add; it says itself when it wants to look again. Whatever came along
 * with the answer (a spec that a user changed, a label, a deletion) is news.
 */
export function keysExceptOwnStatus(change: Change<KubeObject>): string[] {
  return isOwnStatus(change) ? [] : [change.key];
}

function isOwnStatus({ origin, type, object, old }: Change<KubeObject>): boolean {
  if (origin !== 'write' || type !== 'updated' || old === undefined) return false;
  // Only a kind with a status subresource counts changes of its spec.
  if (object.metadata.generation === undefined) return false;
  return isSameJson(metadataOf(object), metadataOf(old));
}

function metadataOf({ metadata }: KubeObject): object {
  const { resourceVersion: _resourceVersion, managedFields: _managedFields, ...rest } = metadata;
  return rest;
}

/** Whether this process has just made this object, and nobody has touched it since. */
export function isOwnCreation({ origin, type, object }: Change<KubeObject & { status?: unknown }>): boolean {
  return origin === 'write' && type === 'added' && object.status === undefined;
}
