import { lookup } from 'node:dns/promises';
import { LRUCache } from 'lru-cache';
import { literalAddress } from './addresses.ts';
import { abortable } from './deadline.ts';

/** All addresses of a host name, in the order of preference. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<string[]>;

/** Answers are used again for this long: for the check of a destination, and for the connection that follows. */
const rememberMs = 2_000;
const mostRemembered = 512;
/** libuv's own number of threads, where UV_THREADPOOL_SIZE does not say another. */
const defaultThreads = 4;

/**
 * Asks the operating system, so that /etc/hosts and search domains count. Each question holds a thread of libuv's pool
 * until it is answered; a quarter of them is left to others, whatever the name servers of strangers do.
 */
export function systemResolver(env: Readonly<Record<string, string | undefined>> = process.env): Resolve {
  const threads = Number(env['UV_THREADPOOL_SIZE']) || defaultThreads;
  const turns = new Turns(Math.max(1, Math.floor((threads * 3) / 4)));
  const remembered = new LRUCache<string, string[]>({ max: mostRemembered, ttl: rememberMs });
  const asking = new Map<string, Promise<string[]>>();
  const ask = async (hostname: string): Promise<string[]> => {
    const found = await turns.run(() => lookup(hostname, { all: true }));
    const addresses = found.map(({ address }) => address);
    remembered.set(hostname, addresses);
    return addresses;
  };
  return async (hostname, signal) => {
    const literal = literalAddress(hostname);
    if (literal !== undefined) return [literal];
    const known = remembered.get(hostname);
    if (known) return known;
    const pending = asking.get(hostname) ?? ask(hostname).finally(() => asking.delete(hostname));
    asking.set(hostname, pending);
    return abortable(pending, signal);
  };
}

/** At most so many at a time, in the order of their coming. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
