import { elapsedScale, startTimer, systemClock, type Timer } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { PermanentError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { ApiError } from './api-error.ts';
import { BackOffError, type Waiting } from './back-off.ts';
import type { WorkQueue } from './queue.ts';
import type { Watchdog } from './watchdog.ts';

/** How a reconcile ended. Anything thrown means: try again with backoff (PermanentError: do not). */
export type Outcome =
  | { kind: 'done' }
  /** Look again in `ms` milliseconds, if nothing happens before. */
  | { kind: 'requeueAfter'; ms: number }
  /** Something is in the way that may pass; the key counts as failed. */
  | ({ kind: 'backOff' } & Waiting)
  /** Trying again is no use until the user changes something. */
  | { kind: 'permanent'; reason: string; message: string }
  /** Nothing was to be done for this key (gone, not ours). */
  | { kind: 'skip' };

export interface ControllerMetrics {
  reconciled(result: Outcome['kind'] | 'error', seconds: number): void;
}

export interface ControllerOptions {
  name: string;
  queue: WorkQueue;
  /** Reconciles at the same time; default 32 (they mostly wait for the API server). */
  concurrency?: number;
  /** Whether this replica leads the key's bucket; default: it leads all. */
  owns?: (key: string) => boolean;
  /** Told whenever a bucket was lost, so that work on its keys is broken off. Returns the way to unsubscribe. */
  onLost?: (listener: () => void) => () => void;
  /** Told when a bucket is about to go to another replica: the promise resolves when no key of it is in flight. */
  onDraining?: (listener: (bucket: { has(key: string): boolean }) => Promise<void>) => () => void;
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  log: Logger;
  metrics?: ControllerMetrics;
  clock?: Clock;
  /** How long one reconcile may take before it is broken off and tried again; default 5 minutes. */
  deadlineMs?: number;
  /** Told of the queue for as long as the controller runs. */
  watchdog?: Pick<Watchdog, 'watch'>;
  /** How long reconciles in flight may go on after the end was asked for; default 25 s. */
  graceMs?: number;
}

/** The reason of a reconcile's abort when its bucket went to another replica. */
export class LeadershipLost extends Error {
  override name = 'LeadershipLost';
}

/** The reason of a reconcile's abort when it took too long. */
export class ReconcileDeadline extends Error {
  override name = 'ReconcileDeadline';
}

const DEADLINE_MS = 300_000;

/** The keys being reconciled, with the way to break them off and to wait for their end. */
type InFlight = Map<string, { stop: AbortController; ended: Promise<void> }>;

/**
 * Takes keys from the queue and reconciles them until `signal` is aborted; then finishes what is in flight and
 * resolves. Rejects when something other than a reconcile fails (a defect): nothing stops in silence.
 */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const clock = options.clock ?? systemClock;
  const inFlight: InFlight = new Map();
  const failed = new AbortController();
  const stopTaking = AbortSignal.any([signal, failed.signal]);
  const stopFollowing = followBuckets(options, inFlight);
  const worker = async () => {
    for (let key = await options.queue.get(stopTaking); key !== undefined; key = await options.queue.get(stopTaking)) {
      await processKey(options, clock, key, inFlight);
    }
  };
  const workers = Array.from({ length: options.concurrency ?? 32 }, () =>
    worker().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  const stopWatching = options.watchdog?.watch(options.name, options.queue, options.deadlineMs ?? DEADLINE_MS);
  const endGrace = cutGrace(options.graceMs ?? 25_000, clock, stopTaking, inFlight);
  try {
    const results = await Promise.allSettled(workers);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  } finally {
    endGrace();
    stopWatching?.();
    stopFollowing();
  }
}

/** Breaks off work on keys that are another's now, and lets a bucket wait for work on its keys. */
function followBuckets(options: ControllerOptions, inFlight: InFlight): () => void {
  const unsubscribe = options.onLost?.(() => {
    for (const [key, work] of inFlight)
      if (options.owns?.(key) === false)
        work.stop.abort(new LeadershipLost(`${key}: another replica leads this key now`));
  });
  const stopDraining = options.onDraining?.(async (bucket) => {
    await Promise.all([...inFlight].filter(([key]) => bucket.has(key)).map(([, work]) => work.ended));
  });
  return () => {
    unsubscribe?.();
    stopDraining?.();
  };
}

/** Aborts what is still in flight `graceMs` after the end was asked for. Returns the way to call that off. */
function cutGrace(graceMs: number, clock: Clock, ending: AbortSignal, inFlight: InFlight): () => void {
  let timer: Timer | undefined;
  const start = () => {
    timer = startTimer(clock, graceMs, () => {
      for (const work of inFlight.values()) work.stop.abort(new Error('the process is ending'));
    });
  };
  if (ending.aborted) start();
  else ending.addEventListener('abort', start, { once: true });
  return () => {
    ending.removeEventListener('abort', start);
    timer?.stop();
  };
}

async function processKey(options: ControllerOptions, clock: Clock, key: string, inFlight: InFlight): Promise<void> {
  const { queue, log, name } = options;
  const started = elapsedScale(clock);
  const work = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const deadline = setDeadline(options, key, clock, work);
  inFlight.set(key, { stop: work, ended });
  try {
    // This look supersedes the ones planned before it; it says itself when the next is due.
    queue.cancelDelay(key);
    if (options.owns?.(key) === false) return queue.forget(key);
    const outcome = await reconcileOnce(options, key, work.signal);
    // Another replica works on it now; what went wrong here is of no interest.
    if (work.signal.reason instanceof LeadershipLost) return queue.forget(key);
    const seconds = (elapsedScale(clock) - started) / 1000;
    options.metrics?.reconciled(outcome.kind, seconds);
    settle(queue, key, outcome, log.child({ controller: name, key, seconds }));
  } finally {
    deadline.stop();
    inFlight.delete(key);
    queue.done(key);
    end();
  }
}

/** Breaks off the work when it takes too long. */
function setDeadline(options: ControllerOptions, key: string, clock: Clock, work: AbortController): Timer {
  const ms = options.deadlineMs ?? DEADLINE_MS;
  return startTimer(clock, ms, () =>
    work.abort(new ReconcileDeadline(`${key}: work on it took longer than ${ms / 1000} s and was broken off`)),
  );
}

type Settled = Outcome | { kind: 'error'; error: unknown };

async function reconcileOnce(options: ControllerOptions, key: string, signal: AbortSignal): Promise<Settled> {
  try {
    return await options.reconcile(key, signal);
  } catch (error) {
    if (error instanceof PermanentError) return { kind: 'permanent', reason: error.reason, message: messageOf(error) };
    return { kind: 'error', error };
  }
}

function settle(queue: WorkQueue, key: string, outcome: Settled, log: Logger): void {
  switch (outcome.kind) {
    case 'done':
    case 'skip':
      return queue.forget(key);
    case 'requeueAfter':
      queue.forget(key);
      return queue.addAfter(key, outcome.ms);
    case 'backOff':
      return backOff(queue, key, outcome);
    case 'permanent':
      log.warn({ reason: outcome.reason, problem: outcome.message }, 'reconcile failed for good');
      return queue.forget(key);
    case 'error': {
      const conflict = outcome.error instanceof ApiError && outcome.error.isConflict;
      // Losing an optimistic lock is ordinary: the watch brings the newer object.
      log[conflict ? 'debug' : 'error'](
        { error: outcome.error, retries: queue.retries(key) },
        'reconcile failed; it will be tried again',
      );
      return backOff(queue, key, outcome.error instanceof BackOffError ? outcome.error.waiting : undefined);
    }
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

function backOff(queue: WorkQueue, key: string, waiting: Waiting | undefined): void {
  queue.addRateLimited(key, waiting?.backOff);
  if (waiting?.latestMs !== undefined) queue.addAfter(key, waiting.latestMs);
}
