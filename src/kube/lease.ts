import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound } from './client.ts';
import { WANTED_BY } from './balance.ts';
import { JITTER } from './election-config.ts';
import type { ElectionConfig } from './election-config.ts';
import { compareResourceVersions } from './object.ts';
import { leases } from './resources.ts';
import type { Lease } from './resources.ts';

export interface LeaseElectorOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  namespace: string;
  name: string;
  identity: string;
  config: Pick<ElectionConfig, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;
  /** Called when the lease is won; may enqueue work at once. */
  onAcquired: () => void;
  /** Called when it is lost or given up: nothing may be done under it any more. */
  onLost: () => void;
  /** Called before the lease is given to another replica: finish what is in flight, begin nothing. */
  onYield?: () => Promise<void>;
  /** Whether a holder is known to have ended: its lease is taken over at once. Absent: every lease must run out. */
  holderIsGone?: (identity: string, signal: AbortSignal) => Promise<boolean>;
  /** Whether `observe` is being fed right now; then a standby replica does not read the lease itself. */
  watched?: () => boolean;
  log: Logger;
  clock?: Clock;
  random?: () => number;
}

/** Lease times are MicroTime: exactly six digits, or the API server answers 400. */
export function microTime(date: Date): string {
  return date.toISOString().replace(/Z$/, '000Z');
}

/**
 * Milliseconds until the lease may be taken over; 0: now. `seenAt` is when its present state was first seen here:
 * clocks of other machines are not trusted.
 */
export function freeInMs(spec: Lease['spec'], seenAt: number, now: number): number {
  if (!spec?.holderIdentity) return 0;
  return Math.max(0, seenAt + (spec.leaseDurationSeconds ?? 0) * 1000 - now);
}

/** Up to so long a woken candidate waits, so that not always the same replica takes every bucket that comes free. */
const SCRAMBLE_MS = 100;
/** First pause after a failed renewal; doubles up to the retry period. */
const RENEW_RETRY_MS = 500;
const RELEASE_MS = 5_000;
/** Longest wait for work in flight before a lease is given to another replica; far less than the lease has left. */
const YIELD_MS = 10_000;

/** Holds one Lease whenever it can, with client-go's protocol and periods: replicas of Tekton and ours can share it. */
export class LeaseElector {
  readonly name: string;
  readonly #options: LeaseElectorOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** The lease as last seen; undefined before the first look, null when it does not exist. */
  #lease: Lease | null | undefined;
  #seenAt = 0;
  #seenVersion: string | undefined;
  #leading = false;
  #yielding = false;
  #wake: (() => void) | undefined;

  constructor(options: LeaseElectorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  get leading(): boolean {
    return this.#leading;
  }

  /**
   * What a watch saw (null: deleted). Optional: it makes hand-over immediate and spares standby replicas their polling.
   */
  observe(lease: Lease | null): void {
    if (
      lease &&
      this.#lease &&
      compareResourceVersions(lease.metadata.resourceVersion, this.#lease.metadata.resourceVersion) <= 0
    )
      return;
    this.#note(lease);
    const holder = lease?.spec?.holderIdentity;
    if (this.#leading ? holder !== this.#options.identity : !holder && !this.#promisedToAnother(lease)) this.#wake?.();
  }

  /** Gives the lease to whoever asked for it, after finishing what is in flight. */
  yield(): void {
    if (!this.#leading) return;
    this.#yielding = true;
    this.#wake?.();
  }

  /** Competes, leads, competes again until the signal is aborted; then gives the lease back, if held. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#compete(signal);
        await this.#lead(signal);
        if (this.#yielding) await this.#drain(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        if (this.#leading)
          this.#stopLeading(
            signal.aborted ? 'giving it back' : this.#yielding ? 'giving it to another replica' : 'not renewed in time',
          );
      }
      if (this.#yielding && !signal.aborted) {
        this.#yielding = false;
        await this.#release(true);
      }
    }
    await this.#release();
  }

  /** Lets work in flight end, for a while. */
  async #drain(signal: AbortSignal): Promise<void> {
    const within = this.#within(Math.min(YIELD_MS, this.#options.config.renewDeadlineMs / 2), signal);
    const over = new Promise<void>((resolve) =>
      within.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    await Promise.race([this.#options.onYield?.(), over]);
    within.end();
  }

  /** A free lease whose last holder left it to one replica is that replica's for a retry period; then anybody's. */
  #promisedToAnother(lease: Lease | null): boolean {
    const wanter = lease?.metadata.annotations?.[WANTED_BY];
    return !lease?.spec?.holderIdentity && !!wanter && wanter !== this.#options.identity;
  }

  /** Returns once the lease is held. */
  async #compete(signal: AbortSignal): Promise<void> {
    for (;;) {
      const wait = await this.#tryToTake(signal);
      if (wait === 0) break;
      const woken = await this.#pause(wait, signal);
      if (woken) await this.#clock.sleep(this.#random() * SCRAMBLE_MS, signal);
      // Without a watch, what is known may be outdated: look.
      else if (!this.#options.watched?.()) this.#lease = undefined;
    }
    this.#leading = true;
    this.#options.log.info({ lease: this.name, identity: this.#options.identity }, 'started leading');
    this.#options.onAcquired();
  }

  /** 0 when the lease was taken, else milliseconds to wait. */
  async #tryToTake(signal: AbortSignal): Promise<number> {
    const { retryPeriodMs, renewDeadlineMs } = this.#options.config;
    const period = retryPeriodMs * (1 + this.#random() * (JITTER - 1));
    const within = this.#within(renewDeadlineMs, signal);
    try {
      if (this.#lease === undefined) this.#note(await this.#read(within.signal));
      const lease = this.#lease ?? null;
      const free = this.#mayTakeInMs(lease);
      if (free > 0 && !(await this.#holderIsGone(lease, within.signal))) return Math.min(period, free + 1);
      this.#note(await this.#write(lease, this.#claim(lease), within.signal));
      return 0;
    } catch (error) {
      signal.throwIfAborted();
      this.#lease = undefined;
      // Another candidate was quicker.
      if (isConflict(error) || isAlreadyExists(error)) return Math.min(period, SCRAMBLE_MS);
      this.#options.log.warn({ lease: this.name, problem: messageOf(error) }, 'cannot compete for the lease');
      return period;
    } finally {
      within.end();
    }
  }

  #mayTakeInMs(lease: Lease | null): number {
    const { identity, config } = this.#options;
    if (lease?.spec?.holderIdentity === identity) return 0;
    const promised = this.#promisedToAnother(lease) ? this.#seenAt + config.retryPeriodMs - this.#now() : 0;
    return Math.max(0, promised, freeInMs(lease?.spec, this.#seenAt, this.#now()));
  }

  async #holderIsGone(lease: Lease | null, signal: AbortSignal): Promise<boolean> {
    const holder = lease?.spec?.holderIdentity;
    if (!holder || !(await this.#options.holderIsGone?.(holder, signal))) return false;
    this.#options.log.info({ lease: this.name, holder }, 'the holder is gone; its lease is taken over');
    return true;
  }

  /** Returns when the lease is lost; throws when the signal is aborted. */
  async #lead(signal: AbortSignal): Promise<void> {
    const { retryPeriodMs, renewDeadlineMs } = this.#options.config;
    let renewed = this.#now();
    for (;;) {
      await this.#pause(retryPeriodMs, signal);
      if (this.#yielding) return;
      if (this.#lease && this.#lease.spec?.holderIdentity !== this.#options.identity) return;
      const started = this.#now();
      if (!(await this.#renew(renewed + renewDeadlineMs, signal))) return;
      renewed = started;
    }
  }

  /** Renews before `deadline` or gives up; also when another holder has it. */
  async #renew(deadline: number, signal: AbortSignal): Promise<boolean> {
    const within = this.#within(deadline - this.#now(), signal);
    try {
      for (let pause = RENEW_RETRY_MS; ; pause = Math.min(pause * 2, this.#options.config.retryPeriodMs)) {
        try {
          return await this.#renewOnce(within.signal);
        } catch (error) {
          within.signal.throwIfAborted();
          this.#options.log.warn({ lease: this.name, problem: messageOf(error) }, 'cannot renew the lease yet');
          this.#lease = undefined;
          if (!isConflict(error)) await this.#clock.sleep(pause, within.signal);
        }
      }
    } catch {
      signal.throwIfAborted();
      return false;
    } finally {
      within.end();
    }
  }

  /** False when another holder has it. */
  async #renewOnce(signal: AbortSignal): Promise<boolean> {
    // Also when a deletion was seen: it may be old news of a lease that this replica has made anew.
    if (!this.#lease) this.#note(await this.#read(signal));
    const lease = this.#lease ?? null;
    if (lease && lease.spec?.holderIdentity !== this.#options.identity) return false;
    this.#note(await this.#write(lease, this.#claim(lease), signal));
    return true;
  }

  /** Lets the next replica in at once. Best effort: without it the lease simply runs out. */
  async #release(keepPromise = false): Promise<void> {
    const within = this.#within(RELEASE_MS, undefined);
    try {
      // What is known may miss a write that was under way when the end came.
      let lease = this.#lease ?? (await this.#read(within.signal));
      for (let tries = 0; tries < 3 && lease?.spec?.holderIdentity === this.#options.identity; tries++) {
        try {
          const now = microTime(this.#clock.now());
          this.#note(
            await this.#write(
              lease,
              { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now },
              within.signal,
              keepPromise,
            ),
          );
          this.#options.log.info({ lease: this.name }, 'gave the lease back');
          return;
        } catch (error) {
          if (!isConflict(error)) throw error;
          lease = await this.#read(within.signal);
        }
      }
    } catch (error) {
      this.#options.log.warn(
        { lease: this.name, problem: messageOf(error) },
        'cannot give the lease back; it will run out',
      );
    } finally {
      within.end();
    }
  }

  #stopLeading(why: string): void {
    this.#leading = false;
    this.#options.log.info({ lease: this.name, why }, 'stopped leading');
    this.#options.onLost();
  }

  #claim(lease: Lease | null): NonNullable<Lease['spec']> {
    const { identity, config } = this.#options;
    const now = microTime(this.#clock.now());
    const spec = lease?.spec;
    const own = spec?.holderIdentity === identity;
    const transitions = spec?.leaseTransitions ?? 0;
    return {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.floor(config.leaseDurationMs / 1000)),
      acquireTime: own ? (spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: own || !lease ? transitions : transitions + 1,
    };
  }

  async #read(signal: AbortSignal): Promise<Lease | null> {
    try {
      return await this.#options.client.get(leases, this.#options.namespace, this.name, { signal, unlimited: true });
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  #write(
    lease: Lease | null,
    spec: NonNullable<Lease['spec']>,
    signal: AbortSignal,
    keepPromise = false,
  ): Promise<Lease> {
    const { client, namespace } = this.#options;
    if (lease) {
      // A question on the lease has been answered, one way or the other, when its holder writes.
      const { [WANTED_BY]: _wantedBy, ...annotations } = lease.metadata.annotations ?? {};
      const metadata = keepPromise ? lease.metadata : { ...lease.metadata, annotations };
      return client.replace(leases, { ...lease, metadata, spec }, { signal, unlimited: true });
    }
    return client.create(leases, { metadata: { name: this.name, namespace }, spec }, { signal, unlimited: true });
  }

  #note(lease: Lease | null): void {
    const version = lease?.metadata.resourceVersion;
    if (version !== this.#seenVersion) {
      this.#seenVersion = version;
      this.#seenAt = this.#now();
    }
    this.#lease = lease;
  }

  #now(): number {
    return elapsedScale(this.#clock);
  }

  /** Sleeps, or less when the watch has news; says which. */
  async #pause(ms: number, signal: AbortSignal): Promise<boolean> {
    const news = new AbortController();
    this.#wake = () => news.abort();
    try {
      await this.#clock.sleep(ms, AbortSignal.any([signal, news.signal]));
      return false;
    } catch (error) {
      signal.throwIfAborted();
      if (!news.signal.aborted) throw error;
      return true;
    } finally {
      this.#wake = undefined;
    }
  }

  /** A signal that is aborted after `ms` on our clock, or with `signal`. */
  #within(ms: number, signal: AbortSignal | undefined): { signal: AbortSignal; end: () => void } {
    const out = new AbortController();
    const off = new AbortController();
    this.#clock.sleep(ms, off.signal).then(
      () => out.abort(new Error(`no answer within ${ms} ms`)),
      () => {
        /* in time */
      },
    );
    return { signal: signal ? AbortSignal.any([signal, out.signal]) : out.signal, end: () => off.abort() };
  }
}
