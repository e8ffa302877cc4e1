import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, Resource } from './object.ts';
import { backoffMs } from './retry.ts';
import { labelMatcher } from './selector.ts';
import { Store } from './store.ts';
import type { ChangeHandler, StoreOptions } from './store.ts';
import { INITIAL, advance } from './watch.ts';
import type { Pause, WatchChange, WatchInput, WatchState, WatchStep } from './watch.ts';

export interface InformerOptions<T extends KubeObject> extends Pick<
  StoreOptions<T>,
  'indexes' | 'transform' | 'freeze'
> {
  client: Pick<KubeClient, 'list' | 'watch'>;
  resource: Resource<T>;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  log: Logger;
  clock?: Clock;
  random?: () => number;
  /** Report every object again this often; absent: never. */
  resyncMs?: number;
  /** Silence that ends a watch connection; default 120 s. */
  idleMs?: number;
  /** Longest pause after failures; default 10 s. */
  longestPauseMs?: number;
}

/**
 * The server is asked to end each watch after a random time in this range, so that replicas' watches spread over
 * servers.
 */
const WATCH_SECONDS = { least: 300, most: 600 };
const FIRST_PAUSE_MS = 100;
/** A connection that ends sooner and empty counts as a failure, or a server in trouble would be asked without pause. */
const LIVELY_MS = 1_000;

/**
 * Keeps a Store equal to what the API server has, for as long as its signal lets it: lists, watches, resumes, relists.
 */
export class Informer<T extends KubeObject> {
  readonly store: Store<T>;
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #waiting = new Set<() => void>();
  #state: WatchState = INITIAL;
  #problem: string | undefined;
  /** How often a whole list was fetched. */
  lists = 0;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.store = new Store<T>({ ...options, accepts: selection(options) });
  }

  /** Whether the store may be out of date: the last list or watch failed, or may not be had. */
  get isInterrupted(): boolean {
    return this.#problem !== undefined;
  }

  /** Calls `handler` after each change of the store. */
  onChange(handler: ChangeHandler<T>): () => void {
    return this.store.subscribe(handler);
  }

  /** Runs until the signal is aborted, then resolves. Rejects only when a change handler threw. */
  async run(signal: AbortSignal): Promise<void> {
    const resync = this.#options.resyncMs;
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const both = [this.#loop(either), ...(resync ? [this.#resync(resync, either)] : [])];
    try {
      await Promise.all(both);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      ended.abort();
      await Promise.allSettled(both);
    }
  }

  /** Resolves when the first list is in the store; rejects when the signal is aborted before. */
  async synced(signal: AbortSignal): Promise<void> {
    if (this.store.hasSynced) return;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const done = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = () => {
        this.#waiting.delete(done);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.add(done);
    });
  }

  async #loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause =
        this.#state.phase === 'unlisted'
          ? await this.#list(signal)
          : await this.#watch(this.#state.resourceVersion, signal);
      signal.throwIfAborted();
      const ms = this.#pauseMs(pause);
      if (ms > 0) await this.#clock.sleep(ms, signal);
    }
  }

  async #list(signal: AbortSignal): Promise<Pause> {
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options;
    let input: WatchInput<T>;
    try {
      const { items, resourceVersion } = await client.list(resource, {
        namespace,
        labelSelector,
        fieldSelector,
        signal,
        transform: (object) => this.store.slim(object),
      });
      this.lists += 1;
      input = { kind: 'listed', items, resourceVersion };
    } catch (error) {
      input = { kind: 'failed', error, lively: false };
    }
    signal.throwIfAborted();
    const step = this.#take(input, 'list');
    return step.next.kind === 'open' ? step.next.pause : { kind: 'none' };
  }

  /** Reads one watch connection to its end. Failures of the connection become inputs; failures of handlers get out. */
  async #watch(resourceVersion: string, signal: AbortSignal): Promise<Pause> {
    const { client, resource, namespace, labelSelector, fieldSelector, idleMs } = this.#options;
    const timeoutSeconds = Math.floor(
      WATCH_SECONDS.least + this.#random() * (WATCH_SECONDS.most - WATCH_SECONDS.least),
    );
    const events = client
      .watch(resource, {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion,
        timeoutSeconds,
        signal,
        ...(idleMs ? { idleMs } : {}),
      })
      [Symbol.asyncIterator]();
    const opened = elapsedScale(this.#clock);
    let heard = false;
    const lively = () => heard || elapsedScale(this.#clock) - opened >= LIVELY_MS;
    try {
      for (;;) {
        const input = await events.next().then<WatchInput<T>, WatchInput<T>>(
          (result) => (result.done ? { kind: 'ended', lively: lively() } : { kind: 'event', event: result.value }),
          (error: unknown) => ({ kind: 'failed', error, lively: lively() }),
        );
        signal.throwIfAborted();
        const step = this.#take(input, 'watch');
        if (step.next.kind === 'open') return step.next.pause;
        heard = true;
      }
    } finally {
      await events.return?.(undefined);
    }
  }

  #take(input: WatchInput<T>, during: 'list' | 'watch'): WatchStep<T> {
    const step = advance(this.#state, input);
    this.#state = step.state;
    this.#report(step.problem, during, input.kind !== 'ended');
    this.#apply(step.change);
    return step;
  }

  #apply(change: WatchChange<T>): void {
    switch (change.kind) {
      case 'none':
        return;
      case 'upsert':
        return this.store.upsert(change.object);
      case 'delete':
        return this.store.delete(change.object);
      case 'advance':
        return this.store.advance(change.resourceVersion);
      case 'replace': {
        this.store.replace(change.items, change.resourceVersion);
        for (const resolve of this.#waiting) resolve();
        this.#waiting.clear();
        return;
      }
      default: {
        const never: never = change;
        return never;
      }
    }
  }

  /** One line when trouble begins or changes, one when it is over: a server that is down for an hour fills no log. */
  #report(problem: string | undefined, during: 'list' | 'watch', proof: boolean): void {
    const { log, resource } = this.#options;
    if (problem !== undefined && problem !== this.#problem)
      log.warn({ resource: resource.plural, during, problem }, 'watch interrupted; it will be resumed');
    else if (problem === undefined && this.#problem !== undefined && proof)
      log.info({ resource: resource.plural }, 'watch resumed');
    if (problem !== undefined || proof) this.#problem = problem;
  }

  #pauseMs(pause: Pause): number {
    const cap = this.#options.longestPauseMs ?? 10_000;
    switch (pause.kind) {
      case 'none':
        return 0;
      case 'backoff':
        return backoffMs(pause.failures, FIRST_PAUSE_MS, cap, this.#random);
      case 'asked':
        return Math.max(Math.min(pause.ms, 60_000), backoffMs(pause.failures, FIRST_PAUSE_MS, cap, this.#random));
      default: {
        const never: never = pause;
        return never;
      }
    }
  }

  async #resync(everyMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(everyMs, signal);
      this.store.resync();
    }
  }
}

/** Whether an object this process wrote would be delivered by this watch. Field selectors are left to the server. */
function selection<T extends KubeObject>(options: InformerOptions<T>): (object: T) => boolean {
  const matches = labelMatcher(options.labelSelector ?? '');
  return (object) =>
    !options.fieldSelector &&
    (!options.namespace || object.metadata.namespace === options.namespace) &&
    matches(object.metadata.labels);
}
