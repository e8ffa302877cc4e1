import type { Clock } from '../clock.ts';
import { digestOf } from './digest.ts';
import { RegistryError } from './registry-error.ts';
import type { Repository, StoredManifest } from './repository.ts';

/** Mutual exclusion by name. How far it reaches (this process, all replicas) is the implementation's affair. */
export interface NamedLock {
  withLock<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** A lock within this process; those who wait come in the order of their asking. */
export class ProcessLock implements NamedLock {
  readonly #last = new Map<string, Promise<unknown>>();

  async withLock<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#last.get(name);
    const mine = (async () => {
      await before?.catch(() => undefined);
      signal.throwIfAborted();
      return work();
    })();
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}

export interface TagUpdateOptions {
  lock: NamedLock;
  clock: Clock;
  random?: () => number;
  /** Reads and writes of one update in all, when others keep writing the same tag. Default 8. */
  rounds?: number;
}

/** What is to be written; undefined: the tag already holds it. */
export type PlannedManifest = { bytes: Buffer; mediaType: string } | undefined;

const firstPauseMs = 50;

/**
 * Changes what a tag points to by reading, planning and writing.
 *
 * Registries have no compare-and-swap on tags, so this is what holds: among writers that share `lock`, nothing is ever
 * lost. Against writers that do not (another product; replicas, if the lock is of one process), the tag is read again
 * right after each write and the change made again when it is not there; a strange writer that read before our write
 * and writes after our check can still undo it. Registries that give an ETag get it back as If-Match; the few that
 * honour it close that gap.
 *
 * @returns whether anything was written.
 * @throws RegistryError (409) when others undo the change in every round.
 */
export function updateTag(
  repository: Repository,
  tag: string,
  plan: (current: StoredManifest | undefined) => Promise<PlannedManifest>,
  options: TagUpdateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  return options.lock.withLock(
    `${repository.fullName}:${tag}`,
    () => rounds(repository, tag, plan, options, signal),
    signal,
  );
}

async function rounds(
  repository: Repository,
  tag: string,
  plan: (current: StoredManifest | undefined) => Promise<PlannedManifest>,
  options: TagUpdateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const most = options.rounds ?? 8;
  let refusedTag: string | undefined;
  for (let round = 1; round <= most; round += 1) {
    const current = await repository.findManifest(tag, signal);
    const planned = await plan(current);
    if (planned === undefined) return round > 1;
    // A proxy that gives ETags of its own and judges by others would say 412 for ever.
    const ifMatch = current?.etag !== refusedTag ? current?.etag : undefined;
    try {
      await repository.putManifest(tag, planned.bytes, planned.mediaType, signal, ifMatch);
      const now = await repository.headManifest(tag, signal);
      if (now?.digest === digestOf(planned.bytes)) return true;
    } catch (error) {
      if (!(error instanceof RegistryError && error.status === 412)) throw error;
      refusedTag = ifMatch;
    }
    await options.clock.sleep(firstPauseMs * 2 ** (round - 1) * (0.5 + (options.random ?? Math.random)()), signal);
  }
  throw new RegistryError(
    409,
    `${repository.fullName}:${tag}: other writers undid the change ${most} times; let only one program write signatures of an image at a time`,
  );
}
