import { LRUCache } from 'lru-cache';
import { abortable } from '../http/deadline.ts';

export interface Token {
  value: string;
  /** Milliseconds since 1970; then another is fetched. */
  renewAt: number;
}

/** Characters of tokens kept in all; an honest one has one to four thousand. */
const mostKept = 4 * 1024 * 1024;
/** A token is forgotten after an hour without use, however long it is good. */
const longestKeptMs = 3_600_000;

/** Bearer tokens of all registries, while they are good: bounded in size, those used longest ago go first. */
export class TokenStore {
  readonly #held = new LRUCache<string, Token>({
    maxSize: mostKept,
    sizeCalculation: ({ value }, key) => value.length + key.length,
    ttl: longestKeptMs,
    updateAgeOnGet: true,
  });
  readonly #fetching = new Map<string, Promise<Token>>();

  /** Characters kept. */
  get size(): number {
    return this.#held.calculatedSize;
  }

  /**
   * The token under a key, fetched once for all who want it at the same time. One caller's failure (its abort, say) is
   * not the others': they fetch themselves.
   */
  async get(key: string, now: () => number, fetch: () => Promise<Token>, signal: AbortSignal): Promise<Token> {
    for (let pending = this.#fetching.get(key); pending !== undefined; pending = this.#fetching.get(key)) {
      const token = await abortable(
        pending.catch(() => undefined),
        signal,
      );
      if (token !== undefined && now() < token.renewAt) return token;
      if (this.#fetching.get(key) === pending) this.#fetching.delete(key);
    }
    const held = this.#held.get(key);
    if (held !== undefined && now() < held.renewAt) return held;
    return this.#fetch(key, fetch);
  }

  /** Forgets a token that the registry did not accept any more. */
  delete(key: string): void {
    this.#held.delete(key);
  }

  async #fetch(key: string, fetch: () => Promise<Token>): Promise<Token> {
    const fetching = fetch();
    this.#fetching.set(key, fetching);
    try {
      const token = await fetching;
      this.#held.set(key, token);
      return token;
    } finally {
      if (this.#fetching.get(key) === fetching) this.#fetching.delete(key);
    }
  }
}
