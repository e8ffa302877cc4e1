import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { WANTED_BY, leaseToAskFor, shouldYield } from './balance.ts';
import type { Holding } from './balance.ts';
import { JITTER, checkPeriods, leaseName } from './election-config.ts';
import type { ElectionConfig } from './election-config.ts';
import { BucketSet } from './hash.ts';
import { Informer } from './informer.ts';
import { LeaseElector } from './lease-elector.ts';
import { holderIsGone } from './lease-holder.ts';
import { joinKey } from './object.ts';
import { leases } from './resources.ts';
import type { Lease } from './resources.ts';

/** A part of the keys that one replica at a time works on. */
export interface Bucket {
  name: string;
  has(key: string): boolean;
}

/** Which keys of one reconciler are this replica's. */
export interface Leadership {
  owns(key: string): boolean;
  /** Called with each bucket won; also, at once, with those already held. Returns the way to unsubscribe. */
  onPromoted(listener: (bucket: Bucket) => void): () => void;
  /** Called when a bucket is about to go to another replica; it goes when the promises are resolved. */
  onDraining(listener: (bucket: Bucket) => Promise<void>): () => void;
  /** Called after a bucket was lost. */
  onLost(listener: (bucket: Bucket) => void): () => void;
}

/** Leadership over a fixed set of buckets, some of them held. */
class Buckets implements Leadership {
  readonly set: BucketSet;
  readonly #held = new Map<string, Bucket>();
  readonly #promoted = new Set<(bucket: Bucket) => void>();
  readonly #lost = new Set<(bucket: Bucket) => void>();
  readonly #drainers = new Set<(bucket: Bucket) => Promise<void>>();
  readonly #draining = new Set<string>();

  constructor(names: readonly string[]) {
    this.set = new BucketSet(names);
  }

  owns(key: string): boolean {
    if (this.#held.size === 0) return false;
    const name = this.set.ownerOf(key);
    return this.#held.has(name) && !this.#draining.has(name);
  }

  onPromoted(listener: (bucket: Bucket) => void): () => void {
    this.#promoted.add(listener);
    for (const bucket of this.#held.values()) listener(bucket);
    return () => this.#promoted.delete(listener);
  }

  onDraining(listener: (bucket: Bucket) => Promise<void>): () => void {
    this.#drainers.add(listener);
    return () => this.#drainers.delete(listener);
  }

  onLost(listener: (bucket: Bucket) => void): () => void {
    this.#lost.add(listener);
    return () => this.#lost.delete(listener);
  }

  promote(name: string): void {
    const bucket: Bucket = { name, has: (key) => this.set.ownerOf(key) === name };
    this.#held.set(name, bucket);
    for (const listener of this.#promoted) listener(bucket);
  }

  /** Owns the bucket's keys no more; resolves when none of them is in work. */
  async drain(name: string): Promise<void> {
    const bucket = this.#held.get(name);
    if (!bucket) return;
    this.#draining.add(name);
    await Promise.all([...this.#drainers].map((drainer) => drainer(bucket)));
  }

  demote(name: string): void {
    const bucket = this.#held.get(name);
    this.#held.delete(name);
    this.#draining.delete(name);
    if (bucket) for (const listener of this.#lost) listener(bucket);
  }
}

/** Leadership over everything, always: one replica, or leader election switched off (`--disable-ha`). */
export function wholeLeadership(): Leadership {
  const whole = new Buckets(['']);
  whole.promote('');
  return whole;
}

/** "host_uuid": replicas on one host and restarts of one pod are different holders. */
export function uniqueIdentity(host: string = hostname(), uuid: string = randomUUID()): string {
  return `${host}_${uuid}`;
}

export interface ElectionOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'patch' | 'list' | 'watch'>;
  /** Where the leases are: the controller's own namespace. */
  namespace: string;
  /** First part of lease names: "tekton-pipelines-controller". */
  component: string;
  config: ElectionConfig;
  identity?: string;
  /** The identity is the name of the pod this runs in, and so are those of its fellows: what is not there has ended. */
  inPod?: boolean;
  log: Logger;
  clock?: Clock;
  random?: () => number;
  /** Share buckets evenly between replicas; default true. */
  balance?: boolean;
}

/** Competes for the leases of all reconcilers of a process. */
export class Election {
  readonly identity: string;
  readonly #options: ElectionOptions;
  readonly #electors = new Map<string, LeaseElector>();
  readonly #watch: Informer<Lease>;
  readonly #clock: Clock;
  /** The lease names of each reconciler. */
  readonly #groups: string[][] = [];
  /** Leases being given to another replica, until the watch shows a new holder. */
  readonly #promised = new Map<string, string>();
  readonly #askedAt = new Map<string, number>();

  /** @throws naming the key, when the periods cannot work together. */
  constructor(options: ElectionOptions) {
    checkPeriods(options.config);
    this.#options = options;
    this.identity = options.identity ?? uniqueIdentity();
    this.#clock = options.clock ?? systemClock;
    const { client, namespace, log } = options;
    this.#watch = new Informer({ client, resource: leases, namespace, log, clock: this.#clock });
    this.#watch.onChange(({ type, object }) =>
      this.#onLease(object.metadata.name ?? '', type === 'deleted' ? null : object),
    );
  }

  /**
   * The buckets of one reconciler, such as "github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler". Call
   * before `run`.
   */
  forReconciler(queueName: string): Leadership {
    const { config, component, client, namespace, log, clock, random } = this.#options;
    const names = Array.from({ length: config.buckets }, (_, i) => leaseName(component, queueName, i, config));
    const taken = names.find((name) => this.#electors.has(name));
    if (taken) throw new Error(`two reconcilers compete for the lease ${taken}`);
    const buckets = new Buckets(names);
    for (const name of names) {
      this.#electors.set(
        name,
        new LeaseElector({
          client,
          namespace,
          name,
          identity: this.identity,
          config,
          log,
          watched: () => this.#watch.store.hasSynced && !this.#watch.isInterrupted,
          ...(this.#options.inPod
            ? { holderIsGone: (holder, signal) => holderIsGone(client, namespace, holder, signal) }
            : {}),
          onAcquired: () => {
            this.#promised.delete(name);
            buckets.promote(name);
          },
          onYield: () => buckets.drain(name),
          onLost: () => buckets.demote(name),
          ...(clock ? { clock } : {}),
          ...(random ? { random } : {}),
        }),
      );
    }
    this.#groups.push(names);
    return buckets;
  }

  /** Whether this replica leads a bucket that would be better with one that has fewer. */
  #shouldGive(name: string, { leading }: LeaseElector): boolean {
    const group = this.#groups.find((names) => names.includes(name));
    if (!group || !leading || this.#promised.has(name)) return false;
    return shouldYield(this.#holdings(group), this.identity, name);
  }

  #onLease(name: string, lease: Lease | null): void {
    const elector = this.#electors.get(name);
    if (!elector) return;
    elector.observe(lease);
    const holder = lease?.spec?.holderIdentity;
    if (holder && holder !== this.identity) this.#promised.delete(name);
    const wanter = lease?.metadata.annotations?.[WANTED_BY];
    if (!wanter || !this.#shouldGive(name, elector)) return;
    this.#promised.set(name, wanter);
    this.#options.log.info({ lease: name, wanter }, 'gives a bucket to a replica that has fewer');
    elector.yield();
  }

  #holdings(names: readonly string[]): Holding[] {
    return names.map((lease) => {
      const known = this.#watch.store.get(joinKey(this.#options.namespace, lease));
      return {
        lease,
        holder: this.#promised.get(lease) ?? known?.spec?.holderIdentity ?? '',
        wantedBy: this.#promised.has(lease) ? undefined : known?.metadata.annotations?.[WANTED_BY],
      };
    });
  }

  /** Asks for a lease now and then while this replica has fewer than another. */
  async #balance(signal: AbortSignal): Promise<void> {
    const { config, log, random = Math.random } = this.#options;
    while (!signal.aborted) {
      await this.#clock.sleep(config.retryPeriodMs * (1 + random() * (JITTER - 1)), signal).catch(() => {
        /* the end came */
      });
      if (signal.aborted || !this.#watch.store.hasSynced) continue;
      for (const group of this.#groups) {
        const lease = leaseToAskFor(this.#holdings(group), this.identity);
        if (lease)
          await this.#ask(lease, signal).catch((error: unknown) => {
            if (!signal.aborted) log.debug({ lease, problem: messageOf(error) }, 'cannot ask for a bucket');
          });
      }
    }
  }

  /** A holder that does not answer (knative's do not) is not asked again before its lease's time. */
  async #ask(name: string, signal: AbortSignal): Promise<void> {
    const now = elapsedScale(this.#clock);
    const last = this.#askedAt.get(name);
    if (last !== undefined && now - last < this.#options.config.leaseDurationMs) return;
    this.#askedAt.set(name, now);
    const { client, namespace } = this.#options;
    await client.patch(leases, namespace, name, {
      type: 'merge',
      body: { metadata: { annotations: { [WANTED_BY]: this.identity } } },
      signal,
      unlimited: true,
    });
  }

  /**
   * Runs until the signal is aborted and every lease held has been given back. Abort it after the reconcilers have
   * finished, or two replicas work on the same keys. Rejects when a listener threw.
   */
  async run(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const ending = AbortSignal.any([signal, failed.signal]);
    const stopWatch = new AbortController();
    const guard = (work: Promise<void>) =>
      work.catch((error: unknown) => {
        failed.abort(error);
        throw error;
      });
    const watching = guard(this.#watch.run(stopWatch.signal));
    watching.catch(() => {
      /* reported below */
    });
    const balancing = this.#options.balance === false ? undefined : guard(this.#balance(ending));
    balancing?.catch(() => {
      /* reported below */
    });
    try {
      const results = await Promise.allSettled(
        [...this.#electors.values()].map((elector) => guard(elector.run(ending))),
      );
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } finally {
      stopWatch.abort();
    }
    await watching;
    await balancing;
  }
}
