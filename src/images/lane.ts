import { startTimer, systemClock, type Clock } from '../clock.ts';

export interface LaneLimits {
  /** Pieces of work at a time that have begun a moment ago. */
  young: number;
  /** After this long work is no longer young, and others may begin: it waits for somebody slow. */
  youngMs: number;
  /** Pieces of work at a time in all. */
  all: number;
  ofNamespace: number;
  ofHost: number;
  /** Of one namespace with one host. */
  ofPair: number;
  /** Pieces of work that may wait for their turn, in one namespace. */
  waiting: number;
}

export const laneLimits: Readonly<LaneLimits> = {
  young: 48,
  youngMs: 250,
  all: 128,
  ofNamespace: 8,
  ofHost: 16,
  ofPair: 4,
  waiting: 1_000,
};

export interface LaneOwner {
  namespace: string;
  host: string;
}

interface Ticket extends LaneOwner {
  begin: () => Promise<void>;
}

/**
 * Work on other people's servers, so shared out that no server and no namespace holds up the others: namespaces take
 * turns, each with a bounded share, and what is slow does not count against what is quick.
 */
export class Lane {
  readonly #limits: LaneLimits;
  readonly #clock: Clock;
  /** By namespace, the one to serve next first; within it by host, likewise. */
  readonly #waiting = new Map<string, Map<string, Ticket[]>>();
  readonly #open = new Map<string, number>();
  #young = 0;
  #all = 0;

  constructor({ limits, clock = systemClock }: { limits?: Partial<LaneLimits>; clock?: Clock } = {}) {
    this.#limits = { ...laneLimits, ...limits };
    this.#clock = clock;
  }

  /** Pieces of work that go on. */
  get open(): number {
    return this.#all;
  }

  /** Whether a namespace has as much waiting as it may. */
  isFull(namespace: string): boolean {
    let waiting = 0;
    for (const tickets of this.#waiting.get(namespace)?.values() ?? []) waiting += tickets.length;
    return waiting >= this.#limits.waiting;
  }

  /** Does the work when its turn comes. */
  run<T>({ namespace, host }: LaneOwner, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const begin = () => work().then(resolve, reject);
      const hosts = getOrAdd(this.#waiting, namespace, () => new Map<string, Ticket[]>());
      getOrAdd(hosts, host, () => []).push({ namespace, host, begin });
      this.#fill();
    });
  }

  #fill(): void {
    while (this.#young < this.#limits.young && this.#all < this.#limits.all) {
      const ticket = this.#next();
      if (ticket === undefined) return;
      void this.#carryOut(ticket);
    }
  }

  /** The first that may begin; its namespace and host then come last. */
  #next(): Ticket | undefined {
    for (const [namespace, hosts] of this.#waiting) {
      if (this.#count(namespace) >= this.#limits.ofNamespace) continue;
      for (const [host, tickets] of hosts) {
        if (!this.#mayBegin(namespace, host)) continue;
        const ticket = tickets.shift();
        moveToEnd(hosts, host, tickets.length > 0);
        moveToEnd(this.#waiting, namespace, hosts.size > 0);
        return ticket;
      }
    }
    return undefined;
  }

  #mayBegin(namespace: string, host: string): boolean {
    return (
      this.#count(hostKey(host)) < this.#limits.ofHost && this.#count(pairKey(namespace, host)) < this.#limits.ofPair
    );
  }

  async #carryOut({ namespace, host, begin }: Ticket): Promise<void> {
    const counted = [namespace, hostKey(host), pairKey(namespace, host)];
    for (const key of counted) this.#open.set(key, this.#count(key) + 1);
    this.#all += 1;
    this.#young += 1;
    let isYoung = true;
    const grow = () => {
      if (isYoung) this.#young -= 1;
      isYoung = false;
    };
    const timer = startTimer(this.#clock, this.#limits.youngMs, () => {
      grow();
      this.#fill();
    });
    await begin();
    timer.stop();
    grow();
    this.#all -= 1;
    for (const key of counted) {
      const left = this.#count(key) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    }
    this.#fill();
  }

  #count(key: string): number {
    return this.#open.get(key) ?? 0;
  }
}

/** Neither is a namespace's name. */
function hostKey(host: string): string {
  return `/${host}`;
}

function pairKey(namespace: string, host: string): string {
  return `${namespace}/${host}`;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function moveToEnd<K, V>(map: Map<K, V>, key: K, keep: boolean): void {
  const value = map.get(key);
  map.delete(key);
  if (keep && value !== undefined) map.set(key, value);
}
