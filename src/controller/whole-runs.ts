import type { Cache } from '../kube/cache.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import type { KubeObject } from '../kube/object.ts';
import { isCut } from './settled.ts';

/** What a reconciler reads its own objects from. */
type Own<T extends KubeObject> = Pick<Cache<T>, 'get' | 'observeWrite'>;

export interface WholeRuns<T extends KubeObject> {
  /** The cache, with whole objects in place of those that are being reconciled. */
  store: Own<T>;
  /** A reconcile that never meets an object that the cache has cut down. */
  whole(reconcile: ControllerOptions['reconcile']): ControllerOptions['reconcile'];
}

/**
 * Keeps what the cache cut down away from reconcilers: a settled run is passed over, and one for which something is
 * left to do after all is read from the API server first.
 * @param isLeft whether something is left to do for a run that is settled
 * @param read the live object; undefined when it is gone
 */
export function wholeRuns<T extends KubeObject>(
  cache: Own<T>,
  isLeft: (settled: T) => boolean,
  read: (settled: T, signal: AbortSignal) => Promise<T | undefined>,
): WholeRuns<T> {
  const live = new Map<string, T>();
  return {
    store: { get: (key) => live.get(key) ?? cache.get(key), observeWrite: (object) => cache.observeWrite(object) },
    whole: (reconcile) => async (key, signal) => {
      const kept = cache.get(key);
      if (kept === undefined || !isCut(kept)) return reconcile(key, signal);
      const object = isLeft(kept) ? await read(kept, signal) : undefined;
      if (object === undefined) return { kind: 'skip' };
      live.set(key, object);
      try {
        return await reconcile(key, signal);
      } finally {
        live.delete(key);
      }
    },
  };
}
