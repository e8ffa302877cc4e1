import type { ResolutionRequest } from '../../api/resolution/resolution-request.ts';
import type { Clock } from '../../clock.ts';
import { joinKey } from '../../kube/object.ts';
import type { Change } from '../../kube/store.ts';
import { isNews } from '../contract/status.ts';

/** An answer from a resolver's cache needs less, on its way through the API server. */
export const patienceMs = 100;

export interface PatienceOptions {
  requests: {
    find(namespace: string | undefined, name: string): ResolutionRequest | undefined;
    subscribe(handler: (change: Change<ResolutionRequest>) => void): unknown;
  };
  clock: Clock;
  /** Runs that may wait at a time: each holds a worker of its controller. */
  mostWaiting: number;
}

/** Waits a moment for the answer to a request that was just made for a run; undefined: there is none yet. */
export type Patience = (
  run: string,
  request: { namespace: string; name: string },
  signal: AbortSignal,
) => Promise<ResolutionRequest | undefined>;

/**
 * What is in a resolver's cache is answered at once. A run that waits for it goes on where it is; one that does not
 * writes that it waits, and has to be planned anew: two writes of its status, in the way of what it waits for.
 */
export function createPatience({ requests, clock, mostWaiting }: PatienceOptions): Patience {
  const waiting = new Counted();
  const wakers = new Map<string, Set<() => void>>();
  requests.subscribe(({ type, key, object }) => {
    if (type === 'deleted' || isNews(object)) for (const wake of wakers.get(key) ?? []) wake();
  });
  return async (run, { namespace, name }, signal) => {
    if (!waiting.has(run) && waiting.size >= mostWaiting) return undefined;
    const key = joinKey(namespace, name);
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
    const ofRequest = wakers.get(key) ?? new Set();
    wakers.set(key, ofRequest.add(wake));
    waiting.add(run);
    const stop = new AbortController();
    try {
      if (answerTo(requests.find(namespace, name)) === undefined)
        await Promise.race([woken, clock.sleep(patienceMs, AbortSignal.any([signal, stop.signal]))]);
      return answerTo(requests.find(namespace, name));
    } finally {
      stop.abort();
      waiting.remove(run);
      ofRequest.delete(wake);
      if (ofRequest.size === 0) wakers.delete(key);
    }
  };
}

function answerTo(request: ResolutionRequest | undefined): ResolutionRequest | undefined {
  return request && isNews(request) ? request : undefined;
}

/** Names, each as often as it was added. */
class Counted {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  has(name: string): boolean {
    return this.#counts.has(name);
  }

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  remove(name: string): void {
    const left = (this.#counts.get(name) ?? 0) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}
