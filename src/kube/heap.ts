/** A binary heap: the least `at` comes out first. */
export interface HeapEntry {
  at: number;
}

export class MinHeap<E extends HeapEntry> {
  readonly #entries: E[] = [];

  get size(): number {
    return this.#entries.length;
  }
  peek(): E | undefined {
    return this.#entries[0];
  }

  push(entry: E): void {
    this.#entries.push(entry);
    this.#up(this.#entries.length - 1);
  }

  pop(): E | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (last !== undefined && last !== first) {
      this.#entries[0] = last;
      this.#down(0);
    }
    return first;
  }

  /** Drops the entries that `keep` refuses; in time that grows with their number. */
  retain(keep: (entry: E) => boolean): void {
    const kept = this.#entries.filter(keep);
    this.#entries.length = 0;
    // Not `push(...kept)`: an argument each would overflow the stack.
    for (const entry of kept) this.#entries.push(entry);
    for (let parent = (kept.length >> 1) - 1; parent >= 0; parent--) this.#down(parent);
  }

  #up(from: number): void {
    const entries = this.#entries;
    for (let child = from; child > 0;) {
      const parent = (child - 1) >> 1;
      if ((entries[parent] as E).at <= (entries[child] as E).at) return;
      this.#swap(parent, child);
      child = parent;
    }
  }

  #down(from: number): void {
    const entries = this.#entries;
    for (let parent = from; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < entries.length && (entries[child] as E).at < (entries[least] as E).at) least = child;
      }
      if (least === parent) return;
      this.#swap(least, parent);
      parent = least;
    }
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries;
    [entries[a], entries[b]] = [entries[b] as E, entries[a] as E];
  }
}
