import { elapsedScale, startTimer, systemClock, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isConflict } from './client.ts';
import { JITTER } from './election-config.ts';
import type { ElectionConfig } from './election-config.ts';
import { SeenLease } from './lease.ts';
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
  readonly #lease: SeenLease;
  #leading = false;
  #yielding = false;
  #wake: (() => void) | undefined;

  constructor(options: LeaseElectorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    const { leaseDurationMs } = options.config;
    this.#lease = new SeenLease({ ...options, leaseDurationMs, clock: this.#clock });
  }

  get leading(): boolean {
    return this.#leading;
  }

  /**
   * What a watch saw (null: deleted). Optional: it makes hand-over immediate and spares standby replicas their polling.
   */
  observe(lease: Lease | null): void {
    if (!this.#lease.observe(lease)) return;
    const { isMine, holder, isPromisedToAnother } = this.#lease;
    if (this.#leading ? !isMine : !holder && !isPromisedToAnother) this.#wake?.();
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
    using within = this.#within(Math.min(YIELD_MS, this.#options.config.renewDeadlineMs / 2), signal);
    const over = new Promise<void>((resolve) =>
      within.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    await Promise.race([this.#options.onYield?.(), over]);
  }

  /** Returns once the lease is held. */
  async #compete(signal: AbortSignal): Promise<void> {
    for (;;) {
      const wait = await this.#tryToTake(signal);
      if (wait === 0) break;
      const woken = await this.#pause(wait, signal);
      if (woken) await this.#clock.sleep(this.#random() * SCRAMBLE_MS, signal);
      // Without a watch, what is known may be outdated: look.
      else if (!this.#options.watched?.()) this.#lease.forget();
    }
    this.#leading = true;
    this.#options.log.info({ lease: this.name, identity: this.#options.identity }, 'started leading');
    this.#options.onAcquired();
  }

  /** 0 when the lease was taken, else milliseconds to wait. */
  async #tryToTake(signal: AbortSignal): Promise<number> {
    const { retryPeriodMs, renewDeadlineMs } = this.#options.config;
    const period = retryPeriodMs * (1 + this.#random() * (JITTER - 1));
    using within = this.#within(renewDeadlineMs, signal);
    try {
      await this.#lease.look(within.signal);
      const free = this.#lease.mayTakeInMs(retryPeriodMs);
      const { version } = this.#lease;
      if (free > 0 && !(await this.#holderIsGone(within.signal))) return Math.min(period, free + 1);
      // What was seen while the holder was asked after may be the next holder.
      if (this.#lease.version !== version) return Math.min(period, SCRAMBLE_MS);
      await this.#lease.claim(within.signal);
      return 0;
    } catch (error) {
      signal.throwIfAborted();
      this.#lease.forget();
      // Another candidate was quicker.
      if (isConflict(error) || isAlreadyExists(error)) return Math.min(period, SCRAMBLE_MS);
      this.#options.log.warn({ lease: this.name, problem: messageOf(error) }, 'cannot compete for the lease');
      return period;
    }
  }

  async #holderIsGone(signal: AbortSignal): Promise<boolean> {
    const { holder } = this.#lease;
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
      if (this.#lease.exists && !this.#lease.isMine) return;
      const started = this.#now();
      if (!(await this.#renew(renewed + renewDeadlineMs, signal))) return;
      renewed = started;
    }
  }

  /** Renews before `deadline` or gives up; also when another holder has it. */
  async #renew(deadline: number, signal: AbortSignal): Promise<boolean> {
    using within = this.#within(deadline - this.#now(), signal);
    try {
      for (let pause = RENEW_RETRY_MS; ; pause = Math.min(pause * 2, this.#options.config.retryPeriodMs)) {
        try {
          return await this.#renewOnce(within.signal);
        } catch (error) {
          within.signal.throwIfAborted();
          this.#options.log.warn({ lease: this.name, problem: messageOf(error) }, 'cannot renew the lease yet');
          this.#lease.forget();
          if (!isConflict(error)) await this.#clock.sleep(pause, within.signal);
        }
      }
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  /** False when another holder has it. */
  async #renewOnce(signal: AbortSignal): Promise<boolean> {
    // Also when a deletion was seen: it may be old news of a lease that this replica has made anew.
    if (!this.#lease.exists) await this.#lease.read(signal);
    if (this.#lease.exists && !this.#lease.isMine) return false;
    await this.#lease.claim(signal);
    return true;
  }

  /** Lets the next replica in at once. Best effort: without it the lease simply runs out. */
  async #release(isPromised = false): Promise<void> {
    using within = this.#within(RELEASE_MS);
    try {
      // What is known may miss a write that was under way when the end came.
      if (!this.#lease.exists) await this.#lease.read(within.signal);
      for (let tries = 0; tries < 3 && this.#lease.isMine; tries++)
        if (await this.#releaseOnce(isPromised, within.signal)) return;
    } catch (error) {
      this.#options.log.warn(
        { lease: this.name, problem: messageOf(error) },
        'cannot give the lease back; it will run out',
      );
    }
  }

  /** False when somebody else wrote to the lease; what they wrote is known then. */
  async #releaseOnce(isPromised: boolean, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#lease.release(isPromised, signal);
      this.#options.log.info({ lease: this.name }, 'gave the lease back');
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#lease.read(signal);
      return false;
    }
  }

  #stopLeading(why: string): void {
    this.#leading = false;
    this.#options.log.info({ lease: this.name, why }, 'stopped leading');
    this.#options.onLost();
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
  #within(ms: number, signal?: AbortSignal): Disposable & { signal: AbortSignal } {
    const out = new AbortController();
    const timer = startTimer(this.#clock, ms, () => out.abort(new Error(`no answer within ${ms} ms`)));
    return {
      signal: signal ? AbortSignal.any([signal, out.signal]) : out.signal,
      [Symbol.dispose]: () => timer.stop(),
    };
  }
}
