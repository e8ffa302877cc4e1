import { createHash } from 'node:crypto';
import { systemClock, type Clock } from '../../../clock.ts';
import { isAlreadyExists, isConflict, isNotFound, type KubeClient } from '../../../kube/client.ts';
import { SeenLease } from '../../../kube/lease.ts';
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
  /** By their names, as last written here: mostly nobody else wrote since, and no read is needed. */
  readonly #leases = new Map<string, SeenLease>();

  constructor(options: LeaseLockOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  withLock<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const shard = createHash('sha256').update(name).digest().readUInt32BE(0) % (this.#options.shards ?? 32);
    const lease = `${this.#options.prefix ?? 'chains-tags'}-${shard}`;
    return this.#own.withLock(lease, () => this.#holding(this.#lease(lease), work, signal), signal);
  }

  async #holding<T>(lease: SeenLease, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#acquire(lease, signal);
    const done = new AbortController();
    const renewing = this.#renew(lease, done.signal);
    try {
      return await work();
    } finally {
      done.abort();
      await renewing;
      // What is not released runs out by itself.
      await lease.release(false, AbortSignal.timeout(renewMs)).catch(() => lease.forget());
    }
  }

  async #acquire(lease: SeenLease, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      await lease.look(signal);
      if (lease.mayTakeInMs(0) === 0 && (await lease.claim(signal).then(() => true, lost))) return;
      lease.forget();
      await this.#clock.sleep(pauseMs * (0.5 + (this.#options.random ?? Math.random)()), signal);
    }
  }

  async #renew(lease: SeenLease, done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await this.#clock.sleep(renewMs, done).catch(() => undefined);
      if (!done.aborted) await lease.claim(AbortSignal.timeout(renewMs)).catch(() => undefined);
    }
  }

  #lease(name: string): SeenLease {
    const { client, namespace, identity } = this.#options;
    const lease =
      this.#leases.get(name) ??
      new SeenLease({ client, namespace, name, identity, leaseDurationMs: durationMs, clock: this.#clock });
    this.#leases.set(name, lease);
    return lease;
  }
}

/** Another process was faster. */
function lost(error: unknown): false {
  if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
  throw error;
}
