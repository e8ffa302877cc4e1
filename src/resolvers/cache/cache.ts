import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { ResolutionError, type ResolvedDefinition, type ResolverType } from '../resolver.ts';

export interface CacheSettings {
  /** Definitions that are kept. */
  maxSize: number;
  /** Milliseconds after which one is fetched anew. */
  ttlMs: number;
}

export interface CacheRequest {
  type: ResolverType;
  /** Of the reference. */
  key: string;
  /** What it is fetched with. */
  credentials: readonly string[];
  /** Whether what is in the cache may be the answer, and the answer may be kept. */
  keep: boolean;
  immutable: boolean;
  /** `isReplaceable`: an older copy serves when the server is away. */
  fetch: (isReplaceable: boolean) => Promise<ResolvedDefinition>;
}

interface Kept {
  definition: ResolvedDefinition;
  at: number;
}

/** Bytes of all definitions together: a thousand of the largest would not fit into the process. */
const mostBytes = 128 * 1024 * 1024;
const annotation = (name: string) => `resolution.tekton.dev/${name}`;

/**
 * What resolvers found, for all of them. An entry belongs to a reference and the credentials that it was fetched with:
 * what a secret unlocked is served only to who has the same secret value; what needed none is for everybody. Of
 * credentials a keyed hash is kept. Requests for the same thing at the same time are one fetch.
 */
export class ResolutionCache {
  readonly #clock: Clock;
  readonly #secret = randomBytes(32);
  readonly #flights = new Map<string, Promise<ResolvedDefinition>>();
  #settings: CacheSettings;
  #entries: LRUCache<string, Kept>;

  constructor(settings: CacheSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#entries = makeEntries(settings);
  }

  /** New settings; another size begins with an empty cache. */
  configure(settings: CacheSettings): void {
    if (settings.maxSize !== this.#settings.maxSize) this.#entries = makeEntries(settings);
    this.#settings = settings;
  }

  /**
   * The answer: from the cache, from a fetch that is under way, or fetched. When a server cannot be reached, an older
   * answer that can never change (a commit, a digest) serves in its place.
   */
  async resolve(request: CacheRequest): Promise<ResolvedDefinition> {
    const key = this.#keyOf(request);
    const kept = request.keep ? this.#entries.get(key) : undefined;
    if (kept !== undefined && this.#now() - kept.at < this.#settings.ttlMs) return this.#retrieved(request, kept);
    try {
      return await this.#fetched(key, request, kept !== undefined && request.immutable);
    } catch (error) {
      if (kept !== undefined && request.immutable && error instanceof ResolutionError && error.retryable)
        return this.#retrieved(request, kept);
      throw error;
    }
  }

  async #fetched(key: string, request: CacheRequest, isReplaceable: boolean): Promise<ResolvedDefinition> {
    const underWay = this.#flights.get(key);
    if (underWay !== undefined) return underWay;
    const flight = this.#fetch(key, request, isReplaceable).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  async #fetch(key: string, { type, keep, fetch }: CacheRequest, isReplaceable: boolean): Promise<ResolvedDefinition> {
    const definition = await fetch(isReplaceable);
    if (!keep) return definition;
    const at = this.#now();
    this.#entries.set(key, { definition, at });
    return annotated(definition, type, 'store', at);
  }

  #retrieved({ type }: CacheRequest, { definition }: Kept): ResolvedDefinition {
    return annotated(definition, type, 'retrieve', this.#now());
  }

  #keyOf({ type, key, credentials, keep }: CacheRequest): string {
    const owner = createHmac('sha256', this.#secret).update(JSON.stringify(credentials)).digest('base64');
    // A request that is not to be answered from the cache shares no fetch that began before it was asked to be.
    return JSON.stringify([type, key, credentials.length === 0 ? '' : owner, keep]);
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

function makeEntries({ maxSize }: CacheSettings): LRUCache<string, Kept> {
  return new LRUCache({
    max: maxSize,
    maxSize: mostBytes,
    sizeCalculation: ({ definition }, key) => definition.data.length + key.length + 1024,
  });
}

function annotated(
  definition: ResolvedDefinition,
  type: ResolverType,
  operation: 'store' | 'retrieve',
  at: number,
): ResolvedDefinition {
  return {
    ...definition,
    annotations: {
      ...definition.annotations,
      [annotation('cached')]: 'true',
      [annotation('cache-timestamp')]: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
      [annotation('cache-resolver-type')]: type,
      [annotation('cache-operation')]: operation,
    },
  };
}
