import { startTimer, type Clock, type Timer } from '../../clock.ts';
import { asError } from '../../errors.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Cluster } from '../cluster.ts';

/** The object that was waited on does not exist, or not any more. */
export class ObjectGone extends Error {
  override name = 'ObjectGone';
}
/** Nothing was seen of the object for as long as the caller would wait. */
export class NothingSeen extends Error {
  override name = 'NothingSeen';
}

/** Where objects are looked at from. */
export interface Observatory {
  cluster: Cluster;
  namespace: string;
  clock: Clock;
}

export const RETRY_MS = 1_000;
/** Failures in a row after which an object counts as out of reach. */
export const MOST_FAILURES = 5;

/**
 * One object, watched by name from construction until `stop`, over as many connections as it takes. Failures and the
 * object's end reach whoever waits; nobody waits for ever on something that cannot come.
 */
export class Tracker<T extends KubeObject> {
  #latest: T | undefined;
  #end: Error | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #from: Observatory;
  readonly #resource: Resource<T>;
  readonly #name: string;

  constructor(from: Observatory, resource: Resource<T>, name: string, signal: AbortSignal) {
    this.#from = from;
    this.#resource = resource;
    this.#name = name;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#run().catch((error: unknown) => {
      this.#end = asError(error);
      this.#tell();
    });
  }

  get latest(): T | undefined {
    return this.#latest;
  }

  stop(): void {
    this.#stop.abort(new ObjectGone(`${this.#resource.kind} ${this.#name} is no longer watched`));
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * What `decide` first gives for the object, as it is now or as it comes to be; `decide` sees each state once in
   * order.
   * @throws ObjectGone, NothingSeen after `idleMs` without a new state, what `decide` throws, or the watch's own
   *   failure.
   */
  until<R>(decide: (object: T) => R | undefined, idleMs?: number): Promise<R> {
    return new Promise((resolve, reject) => {
      let rest: Timer | undefined;
      const finish = (settle: () => void) => {
        this.#listeners.delete(check);
        rest?.stop();
        settle();
      };
      const startIdling = (idleMs: number) => {
        rest?.stop();
        const seconds = idleMs / 1000;
        const problem = `nothing was seen of ${this.#resource.kind} ${this.#name} for ${seconds} s`;
        rest = startTimer(this.#from.clock, idleMs, () => finish(() => reject(new NothingSeen(problem))));
      };
      const check = () => {
        try {
          const decided = this.#latest === undefined ? undefined : decide(this.#latest);
          const end = this.#end;
          if (decided !== undefined) finish(() => resolve(decided));
          else if (end) finish(() => reject(end));
          else if (idleMs !== undefined) startIdling(idleMs);
        } catch (error) {
          finish(() => reject(asError(error)));
        }
      };
      this.#listeners.add(check);
      check();
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #see(object: T): void {
    this.#latest = object;
    this.#tell();
  }

  async #run(): Promise<never> {
    let failures = 0;
    for (;;) {
      try {
        await this.#listAndWatch(() => (failures = 0));
      } catch (error) {
        this.#signal.throwIfAborted();
        failures++;
        if (error instanceof ObjectGone || isFinal(error) || failures >= MOST_FAILURES) throw error;
      }
      await this.#from.clock.sleep(RETRY_MS, this.#signal);
    }
  }

  /** Returns when the watch must begin anew with a list. */
  async #listAndWatch(onSuccess: () => void): Promise<void> {
    const selection = {
      namespace: this.#from.namespace,
      fieldSelector: `metadata.name=${this.#name}`,
      signal: this.#signal,
    };
    const { items, resourceVersion: listed } = await this.#from.cluster.list(this.#resource, selection);
    // A watch that is cut again and again, as some proxies do, is no reason to give up while lists are answered.
    onSuccess();
    const [object] = items;
    if (!object)
      throw new ObjectGone(
        this.#latest
          ? `${this.#resource.kind} ${this.#name} was deleted`
          : `${this.#resource.plural} "${this.#name}" not found`,
      );
    this.#see(object);
    let resourceVersion = listed;
    for (;;) {
      const from = resourceVersion;
      for await (const event of this.#from.cluster.watch(this.#resource, { ...selection, resourceVersion })) {
        if (event.type === 'ERROR') return;
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
        if (event.type === 'DELETED') throw new ObjectGone(`${this.#resource.kind} ${this.#name} was deleted`);
        if (event.type !== 'BOOKMARK') this.#see(event.object);
      }
      this.#signal.throwIfAborted();
      // A server that ends every watch at once must not be asked in a tight loop.
      if (from === resourceVersion) return;
    }
  }
}

/** An answer that trying again will not change: no permission, no such kind. */
export function isFinal(error: unknown): boolean {
  return (
    error instanceof ApiError && error.status >= 400 && error.status < 500 && !error.isGone && !error.isTooManyRequests
  );
}
