import type { Clock } from '../clock.ts';
import { keyOf, type KubeObject, type Resource } from '../kube/object.ts';
import type { Cluster, Selection } from './cluster.ts';
import { isFinal, MOST_FAILURES, RETRY_MS } from './logs/tracker.ts';

/** An object as it is now, or as it last was. */
export interface Seen<T> {
  object: T;
  isDeleted: boolean;
}

interface Source {
  cluster: Cluster;
  clock: Clock;
}
type Wanted = Selection & { signal: AbortSignal };

/**
 * The objects that there are, then each that changes, over as many connections as it takes: what happened between two
 * is given too, once each. The first is a list, possibly empty; no later one is.
 * @throws the signal's reason when aborted, else the API server's refusal or the last of several failures in a row.
 */
export async function* changes<T extends KubeObject>(
  { cluster, clock }: Source,
  resource: Resource<T>,
  selection: Wanted,
): AsyncGenerator<Seen<T>[], never> {
  const { signal } = selection;
  const known = new Map<string, T>();
  let isFirst = true;
  for (let failures = 0; ; await clock.sleep(RETRY_MS, signal)) {
    try {
      const { items, resourceVersion } = await cluster.list(resource, selection);
      failures = 0;
      const missed = differences(known, items);
      if (isFirst || missed.length > 0) yield missed;
      isFirst = false;
      for await (const seen of eventsFrom(cluster, resource, { ...selection, resourceVersion })) {
        note(known, seen);
        yield [seen];
      }
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      if (isFinal(error) || failures >= MOST_FAILURES) throw error;
    }
  }
}

/** Watches from a version on, until a list is needed again. */
async function* eventsFrom<T extends KubeObject>(
  cluster: Cluster,
  resource: Resource<T>,
  selection: Wanted & { resourceVersion: string },
): AsyncGenerator<Seen<T>, void> {
  let { resourceVersion } = selection;
  for (;;) {
    const before = resourceVersion;
    for await (const event of cluster.watch(resource, { ...selection, resourceVersion })) {
      if (event.type === 'ERROR') return;
      resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
      if (event.type !== 'BOOKMARK') yield { object: event.object, isDeleted: event.type === 'DELETED' };
    }
    selection.signal.throwIfAborted();
    // A server that ends every watch at once must not be asked in a tight loop.
    if (before === resourceVersion) return;
  }
}

function note<T extends KubeObject>(known: Map<string, T>, { object, isDeleted }: Seen<T>): void {
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
  for (const each of seen) note(known, each);
  return seen;
}
