import type { Clock } from '../clock.ts';
import { keyOf, type KubeObject, type Resource } from '../kube/object.ts';
import type { Cluster, Selection } from './cluster.ts';
import { isFinal, MOST_FAILURES, RETRY_MS } from './logs/tracker.ts';

/** An object as it is now, or as it last was. */
export interface Seen<T> {
  object: T;
  isDeleted: boolean;
}

/**
 * The objects that there are, then each that changes, over as many connections as it takes: what happened between two is
 * given too, once each. The first is a list, possibly empty; no later one is.
 * @throws the signal's reason when aborted, else the API server's refusal or the last of several failures in a row.
 */
export async function* changes<T extends KubeObject>(
  { cluster, clock }: { cluster: Cluster; clock: Clock },
  resource: Resource<T>,
  selection: Selection & { signal: AbortSignal },
): AsyncGenerator<Seen<T>[], never> {
  const { signal } = selection;
  const known = new Map<string, T>();
  let isFirst = true;
  for (let failures = 0; ; await clock.sleep(RETRY_MS, signal)) {
    try {
      const { items, resourceVersion: listed } = await cluster.list(resource, selection);
      failures = 0;
      const missed = differences(known, items);
      if (isFirst || missed.length > 0) yield missed;
      isFirst = false;
      let [before, resourceVersion] = ['', listed];
      // A server that ends every watch at once must not be asked in a tight loop.
      for (; before !== resourceVersion && resourceVersion !== '';) {
        before = resourceVersion;
        for await (const event of cluster.watch(resource, { ...selection, resourceVersion })) {
          resourceVersion = event.type === 'ERROR' ? '' : (event.object.metadata.resourceVersion ?? resourceVersion);
          if (event.type === 'ERROR') break;
          if (event.type === 'BOOKMARK') continue;
          const isDeleted = event.type === 'DELETED';
          note(known, event.object, isDeleted);
          yield [{ object: event.object, isDeleted }];
        }
        signal.throwIfAborted();
      }
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      if (isFinal(error) || failures >= MOST_FAILURES) throw error;
    }
  }
}

function note<T extends KubeObject>(known: Map<string, T>, object: T, isDeleted: boolean): void {
  if (isDeleted) known.delete(keyOf(object));
  else known.set(keyOf(object), object);
}

/** What is not as it was known; from now on it is known. */
function differences<T extends KubeObject>(known: Map<string, T>, items: readonly T[]): Seen<T>[] {
  const there = new Set(items.map((item) => keyOf(item)));
  const gone = [...known.entries()].filter(([key]) => !there.has(key)).map(([, object]) => object);
  const changed = items.filter(
    (item) => known.get(keyOf(item))?.metadata.resourceVersion !== item.metadata.resourceVersion,
  );
  const seen = [
    ...gone.map((object) => ({ object, isDeleted: true })),
    ...changed.map((object) => ({ object, isDeleted: false })),
  ];
  for (const { object, isDeleted } of seen) note(known, object, isDeleted);
  return seen;
}
