import { jsonSize, largestObject, tooLarge } from '../../budget.ts';
import type { NewChild } from './child.ts';

/** So many children are made in one plan; the rest follow in the next, which comes at once. */
const mostAtOnce = 500;
/** Bytes of all of them, unless a single one is larger. */
const largestBatch = 8_000_000;

/** How many children one plan may still make: a run of thousands of tasks takes its turn like others. */
export class Room {
  #count = 0;
  #bytes = 0;

  get isUsedUp(): boolean {
    return this.#count >= mostAtOnce || this.#bytes >= largestBatch;
  }

  /** @throws TooLargeError for one that could not be stored */
  take({ kind, metadata, spec }: NewChild): void {
    const size = jsonSize({ metadata, spec }, largestObject);
    if (size > largestObject)
      throw tooLarge(
        `${kind} ${metadata.name ?? ''}`,
        size,
        'give it smaller params or a smaller taskSpec, or refer to a Task by name',
      );
    this.#count += 1;
    this.#bytes += size;
  }
}
