import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { checkPeriods, leaseName } from './election-config.ts';
import type { ElectionConfig } from './election-config.ts';
import { BucketSet } from './hash.ts';
import { Informer } from './informer.ts';
import { LeaseElector } from './lease.ts';
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
  /** Called after a bucket was lost. */
  onLost(listener: (bucket: Bucket) => void): () => void;
}

/** Leadership over a fixed set of buckets, some of them held. */
class Buckets implements Leadership {
  readonly set: BucketSet;
  readonly #held = new Map<string, Bucket>();
  readonly #promoted = new Set<(bucket: Bucket) => void>();
  readonly #lost = new Set<(bucket: Bucket) => void>();

  constructor(names: readonly string[]) {
    this.set = new BucketSet(names);
  }

  owns(key: string): boolean {
    return this.#held.size > 0 && this.#held.has(this.set.ownerOf(key));
  }

  onPromoted(listener: (bucket: Bucket) => void): () => void {
    this.#promoted.add(listener);
    for (const bucket of this.#held.values()) listener(bucket);
    return () => this.#promoted.delete(listener);
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

  demote(name: string): void {
    const bucket = this.#held.get(name);
    this.#held.delete(name);
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

/**
 * knative's StatefulSet mode: the replica's ordinal is its bucket, no leases. undefined when the environment does not
 * ask for it. @throws naming the variable that cannot be right.
 */
export function statefulSetLeadership(env: Readonly<Record<string, string | undefined>>, buckets: number, namespace: string, clusterDomain = 'cluster.local'): Leadership | undefined {
  const pod = env['STATEFUL_CONTROLLER_ORDINAL'];
  const service = env['STATEFUL_SERVICE_NAME'];
  if (!pod || !service) return undefined;
  const match = /^(.+)-(\d+)$/.exec(pod);
  if (!match) throw new Error(`STATEFUL_CONTROLLER_ORDINAL: ${JSON.stringify(pod)} is not a pod name of a StatefulSet ("name-0")`);
  const ordinal = Number(match[2]);
  if (ordinal >= buckets) throw new Error(`STATEFUL_CONTROLLER_ORDINAL: ordinal ${ordinal} is out of range [0, ${buckets}): raise buckets in the leader election ConfigMap or lower the replicas`);
  const nameOf = (i: number) => `${env['STATEFUL_SERVICE_PROTOCOL'] ?? 'http'}://${match[1]}-${i}.${service}.${namespace}.svc.${clusterDomain}:${env['STATEFUL_SERVICE_PORT'] ?? '80'}`;
  const leadership = new Buckets(Array.from({ length: buckets }, (_, i) => nameOf(i)));
  leadership.promote(nameOf(ordinal));
  return leadership;
}

export interface ElectionOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'list' | 'watch'>;
  /** Where the leases are: the controller's own namespace. */
  namespace: string;
  /** First part of lease names: "tekton-pipelines-controller". */
  component: string;
  config: ElectionConfig;
  identity?: string;
  log: Logger;
  clock?: Clock;
  random?: () => number;
}

/** Competes for the leases of all reconcilers of a process. */
export class Election {
  readonly identity: string;
  readonly #options: ElectionOptions;
  readonly #electors = new Map<string, LeaseElector>();
  readonly #watch: Informer<Lease>;

  /** @throws naming the key, when the periods cannot work together. */
  constructor(options: ElectionOptions) {
    checkPeriods(options.config);
    this.#options = options;
    this.identity = options.identity ?? uniqueIdentity();
    const { client, namespace, log } = options;
    this.#watch = new Informer({ client, resource: leases, namespace, log, clock: options.clock ?? systemClock });
    this.#watch.onChange(({ type, object }) => this.#electors.get(object.metadata.name ?? '')?.observe(type === 'deleted' ? null : object));
  }

  /** The buckets of one reconciler, such as "github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler". Call before `run`. */
  forReconciler(queueName: string): Leadership {
    const { config, component, client, namespace, log, clock, random } = this.#options;
    const names = Array.from({ length: config.buckets }, (_, i) => leaseName(component, queueName, i, config));
    const taken = names.find((name) => this.#electors.has(name));
    if (taken) throw new Error(`two reconcilers compete for the lease ${taken}`);
    const buckets = new Buckets(names);
    for (const name of names) {
      this.#electors.set(name, new LeaseElector({
        client, namespace, name, identity: this.identity, config, log, watched: () => this.#watch.store.hasSynced,
        onAcquired: () => buckets.promote(name), onLost: () => buckets.demote(name),
        ...(clock ? { clock } : {}), ...(random ? { random } : {}),
      }));
    }
    return buckets;
  }

  /**
   * Runs until the signal is aborted and every lease held has been given back. Abort it after the reconcilers have
   * finished, or two replicas work on the same keys. Rejects when a listener threw.
   */
  async run(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const ending = AbortSignal.any([signal, failed.signal]);
    const stopWatch = new AbortController();
    const guard = (work: Promise<void>) => work.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
    const watching = guard(this.#watch.run(stopWatch.signal));
    watching.catch(() => { /* reported below */ });
    try {
      const results = await Promise.allSettled([...this.#electors.values()].map((elector) => guard(elector.run(ending))));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } finally {
      stopWatch.abort();
    }
    await watching;
  }
}
