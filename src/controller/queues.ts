import type { Leadership } from '../kube/buckets.ts';
import { joinKey, type KubeObject } from '../kube/object.ts';
import type { WorkQueue } from '../kube/queue.ts';
import type { Change } from '../kube/store.ts';
import type { Cache } from './caches.ts';

/** The key of the object that controls this one, when it is of the given kind. */
export function controllerKey(object: KubeObject, kind: string): string | undefined {
  const owner = (object.metadata.ownerReferences ?? []).find((reference) => reference.controller === true && reference.kind === kind);
  return owner && joinKey(object.metadata.namespace, owner.name);
}

/** Puts a key in line when this replica leads it; a resync goes to the slow lane. */
export function enqueue(queue: WorkQueue, leadership: Leadership, key: string | undefined, origin: Change<unknown>['origin']): void {
  if (key === undefined || !leadership.owns(key)) return;
  if (origin === 'resync') queue.addSlow(key);
  else queue.add(key);
}

/** Feeds a queue with the changes of its kind and of what that kind owns. */
export function feed<T extends KubeObject>(
  queue: WorkQueue,
  leadership: Leadership,
  own: Cache<T>,
  owned: { cache: Pick<Cache<KubeObject>, 'subscribe'>; ownerKind: string },
): void {
  own.subscribe(({ key, origin }) => enqueue(queue, leadership, key, origin));
  owned.cache.subscribe(({ object, origin }) => enqueue(queue, leadership, controllerKey(object, owned.ownerKind), origin));
  // A bucket won: everything in it may have been left half done by the replica that had it before.
  leadership.onPromoted((bucket) => {
    for (const object of own.values()) {
      const key = joinKey(object.metadata.namespace, object.metadata.name ?? '');
      if (bucket.has(key)) queue.addSlow(key);
    }
  });
}
