import { createHash } from 'node:crypto';
import { elapsedScale, systemClock, type Clock } from '../../../clock.ts';
import { isAlreadyExists, isConflict, isNotFound, type KubeClient } from '../../../kube/client.ts';
import { freeInMs, microTime } from '../../../kube/lease.ts';
import { leases, type Lease } from '../../../kube/resources.ts';
import { ProcessLock, type NamedLock } from '../../../registry/tag-update.ts';

export interface LeaseLockOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  namespace: string;
  /** This process. */
  identity: string;
  /** Leases are called `<prefix>-<shard>`. */
  prefix?: string;
  /** Names share this many leases, so that their number has an end. Default 32. */
  shards?: number;
  clock?: Clock;
  random?: () => number;
}

/** After so long without renewal the holder counts as dead. A tag update takes well under a second. */
const durationMs = 15_000;
const renewMs = 5_000;
const pauseMs = 50;

/**
 * A lock across replicas, made of Leases, for when several replicas may write attestations of one image. It costs two
 * requests each time, so replicas that share no work should use ProcessLock. A holder that hangs for longer than 15 s
 * and then goes on is not stopped: what it writes is then checked after the write only.
 */
export class LeaseLock implements NamedLock {
  readonly #options: LeaseLockOptions;
  readonly #clock: Clock;
  /** Within the process first, so that it does not wait for its own leases. */
  readonly #own = new ProcessLock();
  /** Leases as last written here: mostly nobody else wrote since, and no read is needed. */
  readonly #last = new Map<string, Lease>();

  constructor(options: LeaseLockOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  withLock<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const shard = createHash('sha256').update(name).digest().readUInt32BE(0) % (this.#options.shards ?? 32);
    const lease = `${this.#options.prefix ?? 'chains-tags'}-${shard}`;
    return this.#own.withLock(lease, () => this.#holding(lease, work, signal), signal);
  }

  async #holding<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#acquire(name, signal);
    const done = new AbortController();
    const renewing = this.#renew(name, done.signal);
    try {
      return await work();
    } finally {
      done.abort();
      await renewing;
      // What is not released runs out by itself.
      await this.#write(name, '', undefined).catch(() => this.#last.delete(name));
    }
  }

  async #acquire(name: string, signal: AbortSignal): Promise<void> {
    let seen: Sighting | undefined;
    for (;;) {
      signal.throwIfAborted();
      const lease = this.#last.get(name) ?? (await this.#read(name, signal));
      const now = elapsedScale(this.#clock);
      if (lease) seen = sightingOf(lease, seen, now);
      if (this.#isFree(lease, seen?.at ?? now, now) && (await this.#take(name, lease, signal))) return;
      this.#last.delete(name);
      await this.#clock.sleep(pauseMs * (0.5 + (this.#options.random ?? Math.random)()), signal);
    }
  }

  #isFree(lease: Lease | undefined, seenAt: number, now: number): boolean {
    if (!lease || lease.spec?.holderIdentity === this.#options.identity) return true;
    return freeInMs(lease.spec, seenAt, now) === 0;
  }

  /** False when another process was faster. */
  async #take(name: string, lease: Lease | undefined, signal: AbortSignal): Promise<boolean> {
    if (lease) this.#last.set(name, lease);
    return this.#write(name, this.#options.identity, signal).then(() => true, lost);
  }

  async #renew(name: string, done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await this.#clock.sleep(renewMs, done).catch(() => undefined);
      if (!done.aborted) await this.#write(name, this.#options.identity, undefined).catch(() => undefined);
    }
  }

  async #read(name: string, signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#options.client.get(leases, this.#options.namespace, name, { signal, unlimited: true });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Writes over the lease as last seen. @throws a conflict when it is not so any more. */
  async #write(name: string, holderIdentity: string, signal: AbortSignal | undefined): Promise<void> {
    const { client, namespace } = this.#options;
    const before = this.#last.get(name);
    const time = microTime(this.#clock.now());
    const spec = {
      holderIdentity,
      leaseDurationSeconds: durationMs / 1000,
      renewTime: time,
      acquireTime: before?.spec?.holderIdentity === holderIdentity ? before.spec.acquireTime : time,
    };
    const options = { unlimited: true, ...(signal ? { signal } : {}) };
    const written = before
      ? await client.replace(leases, { ...before, spec }, options)
      : await client.create(
          leases,
          { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec },
          options,
        );
    this.#last.set(name, written);
  }
}

/** When a version of a lease was first seen here: clocks of other machines are not believed. */
interface Sighting {
  version: string | undefined;
  at: number;
}

function sightingOf(lease: Lease, before: Sighting | undefined, now: number): Sighting | undefined {
  const version = lease.metadata.resourceVersion;
  return before?.version === version ? before : { version, at: now };
}

/** Another process was faster. */
function lost(error: unknown): false {
  if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
  throw error;
}
