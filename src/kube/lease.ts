import { elapsedScale, type Clock } from '../clock.ts';
import { WANTED_BY } from './balance.ts';
import { isNotFound, type KubeClient } from './client.ts';
import { compareResourceVersions } from './object.ts';
import { leases, type Lease } from './resources.ts';

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

export interface LeaseOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  namespace: string;
  name: string;
  /** Who this replica is. */
  identity: string;
  leaseDurationMs: number;
  clock: Clock;
}

/** One Lease as this replica last saw it, and what it writes there. Writes throw a conflict where that is outdated. */
export class SeenLease {
  readonly #options: LeaseOptions;
  /** Undefined before the first look, null when there is none. */
  #lease: Lease | null | undefined;
  #seenAt = 0;
  #seenVersion: string | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Who holds it as far as is known; "" when nobody does, or when there is no lease. */
  get holder(): string {
    return this.#lease?.spec?.holderIdentity ?? '';
  }

  get isMine(): boolean {
    return this.holder === this.#options.identity;
  }

  /** Whether it was seen, and is there. */
  get exists(): boolean {
    return !!this.#lease;
  }

  /** The resourceVersion of what is known; undefined without one. */
  get version(): string | undefined {
    return this.#lease?.metadata.resourceVersion;
  }

  /** Whether its last holder left it to another replica than this one. */
  get isPromisedToAnother(): boolean {
    const wanter = this.#lease?.metadata.annotations?.[WANTED_BY];
    return !this.holder && !!wanter && wanter !== this.#options.identity;
  }

  /** Milliseconds until this replica may take it; 0: now. What is promised to another is that one’s for `promiseMs`. */
  mayTakeInMs(promiseMs: number): number {
    if (this.isMine) return 0;
    const promised = this.isPromisedToAnother ? this.#seenAt + promiseMs - this.#now() : 0;
    return Math.max(0, promised, freeInMs(this.#lease?.spec, this.#seenAt, this.#now()));
  }

  /** What a watch saw (null: deleted). Returns false when that is no news. */
  observe(lease: Lease | null): boolean {
    const known = this.#lease?.metadata.resourceVersion;
    if (lease && this.#lease && compareResourceVersions(lease.metadata.resourceVersion, known) <= 0) return false;
    this.#note(lease);
    return true;
  }

  /** The next look asks the API server. */
  forget(): void {
    this.#lease = undefined;
  }

  /** Asks the API server, unless the lease is known, or known not to be there. */
  async look(signal: AbortSignal): Promise<void> {
    if (this.#lease === undefined) await this.read(signal);
  }

  async read(signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    const found = client.get(leases, namespace, name, { signal, unlimited: true });
    this.#note(
      await found.catch((error: unknown) => {
        if (isNotFound(error)) return null;
        throw error;
      }),
    );
  }

  /** Takes the lease, or renews it. */
  claim(signal: AbortSignal): Promise<void> {
    const { identity, leaseDurationMs } = this.#options;
    const spec = this.#lease?.spec;
    const transitions = spec?.leaseTransitions ?? 0;
    const now = this.#time();
    const claimed = {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.floor(leaseDurationMs / 1000)),
      acquireTime: this.isMine ? (spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: this.isMine || !this.#lease ? transitions : transitions + 1,
    };
    return this.#write(claimed, false, signal);
  }

  /** Lets the next replica in at once; with `isPromised` it is the one that asked for it. */
  release(isPromised: boolean, signal: AbortSignal): Promise<void> {
    const now = this.#time();
    const free = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    return this.#write({ ...this.#lease?.spec, ...free }, isPromised, signal);
  }

  async #write(spec: Lease['spec'], isPromised: boolean, signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    const lease = this.#lease;
    const options = { signal, unlimited: true };
    if (!lease) return this.#note(await client.create(leases, { metadata: { name, namespace }, spec }, options));
    // A question on the lease has been answered, one way or the other, when its holder writes.
    const { [WANTED_BY]: _wantedBy, ...annotations } = lease.metadata.annotations ?? {};
    const metadata = isPromised ? lease.metadata : { ...lease.metadata, annotations };
    this.#note(await client.replace(leases, { ...lease, metadata, spec }, options));
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
    return elapsedScale(this.#options.clock);
  }

  #time(): string {
    return microTime(this.#options.clock.now());
  }
}
