import type { Clock } from '../clock.ts';
import { digestOf } from './digest.ts';
import { RegistryError } from './registry-error.ts';
import type { ManifestToPut, Repository, StoredManifest } from './repository.ts';

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
export type PlannedManifest = Pick<ManifestToPut, 'bytes' | 'mediaType'> | undefined;

export interface TagUpdate {
  repository: Repository;
  tag: string;
  plan: (current: StoredManifest | undefined) => Promise<PlannedManifest>;
}

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
export function updateTag(update: TagUpdate, options: TagUpdateOptions, signal: AbortSignal): Promise<boolean> {
  const { repository, tag } = update;
  return options.lock.withLock(`${repository.fullName}:${tag}`, () => rounds(update, options, signal), signal);
}

async function rounds(update: TagUpdate, options: TagUpdateOptions, signal: AbortSignal): Promise<boolean> {
  const { repository, tag, plan } = update;
  const most = options.rounds ?? 8;
  let refusedTag: string | undefined;
  for (let round = 1; round <= most; round += 1) {
    const current = await repository.findManifest(tag, signal);
    const planned = await plan(current);
    if (planned === undefined) return round > 1;
    // A proxy that gives ETags of its own and judges by others would say 412 for ever.
    const ifMatch = current?.etag !== refusedTag ? current?.etag : undefined;
    const outcome = await write(update, { ...planned, ifMatch }, signal);
    if (outcome === 'stands') return true;
    if (outcome === 'refused') refusedTag = ifMatch;
    await options.clock.sleep(firstPauseMs * 2 ** (round - 1) * (0.5 + (options.random ?? Math.random)()), signal);
  }
  throw new RegistryError(
    409,
    `${repository.fullName}:${tag}: other writers undid the change ${most} times; let only one program write signatures of an image at a time`,
  );
}

/** Whether what was written is there a moment later, or another's, or the ETag was not taken. */
async function write(
  { repository, tag }: TagUpdate,
  manifest: ManifestToPut,
  signal: AbortSignal,
): Promise<'stands' | 'undone' | 'refused'> {
  try {
    await repository.putManifest(tag, manifest, signal);
    const now = await repository.headManifest(tag, signal);
    return now?.digest === digestOf(manifest.bytes) ? 'stands' : 'undone';
  } catch (error) {
    if (error instanceof RegistryError && error.status === 412) return 'refused';
    throw error;
  }
}
