import { asError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Election, Leadership } from './buckets.ts';
import { runController } from './controller.ts';
import type { ControllerOptions } from './controller.ts';
import type { EventRecorder } from './events.ts';
import type { KubeObject } from './object.ts';
import type { WorkQueue } from './queue.ts';
import type { Change, Store } from './store.ts';

/** What a change of a store adds to a queue. */
export interface Feed<T> {
  /** The keys, such as an owner's; absent: the changed object's. */
  keysOf?: (change: Change<T>) => readonly string[];
  /** Milliseconds that the change may wait for a later one; absent: none. */
  patienceMs?: (change: Change<T>) => number;
}

/**
 * Feeds a queue: every change of the store adds its keys if this replica leads them, and a bucket won adds all its
 * keys, slowly. Returns the way to stop.
 */
export function feedQueue<T extends KubeObject>(
  store: Pick<Store<T>, 'subscribe' | 'entries'>,
  queue: WorkQueue,
  leadership: Pick<Leadership, 'owns' | 'onPromoted'>,
  { keysOf = ({ key }) => [key], patienceMs = () => 0 }: Feed<T> = {},
): () => void {
  const stopChanges = store.subscribe((change) => {
    for (const key of keysOf(change)) {
      if (!leadership.owns(key)) continue;
      if (change.origin === 'resync') queue.addSlow(key);
      else queue.addAfter(key, patienceMs(change));
    }
  });
  const stopPromotions = leadership.onPromoted((bucket) => {
    for (const [key, object] of store.entries()) {
      for (const affected of keysOf({ type: 'updated', key, object, old: object, origin: 'resync' }))
        if (bucket.has(affected)) queue.addSlow(affected);
    }
  });
  return () => {
    stopChanges();
    stopPromotions();
  };
}

export interface ReplicaOptions {
  /** Informers, and anything else that runs until its signal is aborted. */
  sources: readonly { run(signal: AbortSignal): Promise<void>; synced?(signal: AbortSignal): Promise<void> }[];
  controllers: readonly ControllerOptions[];
  election?: Pick<Election, 'run'>;
  recorder?: Pick<EventRecorder, 'flush'>;
  log: Logger;
  /** Called once everything runs: the process is ready. */
  onReady?: () => void;
}

/**
 * One process of a controller from start to end. Caches fill first; then it competes for leases and works. When
 * `signal` is aborted it finishes what is in flight, then gives its leases back, writes its last events and stops
 * watching, in this order: the next replica never meets work that still goes on here. Rejects with the first failure
 * of any part, after the others have ended.
 */
export async function runReplica(options: ReplicaOptions, signal: AbortSignal): Promise<void> {
  const failure = new AbortController();
  const ending = AbortSignal.any([signal, failure.signal]);
  const stopSources = new AbortController();
  const stopElection = new AbortController();
  let first: Error | undefined;
  const guard = (part: string, work: Promise<void>) =>
    work.catch((error: unknown) => {
      // Parts that were stopped reject with the signal's reason: that is no failure.
      if (ending.aborted && error === ending.reason) return;
      first ??= asError(error);
      options.log.error({ error, part }, 'a part of the process failed; it ends');
      failure.abort(error);
    });

  const sources = options.sources.map((source) => guard('source', source.run(stopSources.signal)));
  await guard(
    'synchronisation',
    Promise.all(options.sources.map((source) => source.synced?.(ending) ?? Promise.resolve())).then(() => {
      /* all full */
    }),
  );
  let election: Promise<void> = Promise.resolve();
  if (!ending.aborted) {
    if (options.election) election = guard('election', options.election.run(stopElection.signal));
    const controllers = options.controllers.map((controller) =>
      guard(controller.name, runController(controller, ending)),
    );
    options.onReady?.();
    if (!ending.aborted) await new Promise((resolve) => ending.addEventListener('abort', resolve, { once: true }));
    await Promise.all(controllers);
  }
  stopElection.abort();
  await election;
  await options.recorder?.flush();
  stopSources.abort();
  await Promise.all(sources);
  if (first) throw first;
}
