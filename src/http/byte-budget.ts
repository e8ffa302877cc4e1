/** Whether bytes could be taken: `spent` when this budget has not as many left, `shared` when one above it has not. */
export type Taken = 'taken' | 'spent' | 'shared';

/** What may be held in memory at a time. Budgets nest: what one takes, the one above it takes too. */
export class ByteBudget {
  readonly limit: number;
  readonly #above: ByteBudget | undefined;
  #taken = 0;

  constructor(limit: number, above?: ByteBudget) {
    this.limit = limit;
    this.#above = above;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes bytes from this budget and all above it, or from none. */
  take(bytes: number): Taken {
    if (this.#taken + bytes > this.limit) return 'spent';
    if (this.#above !== undefined && this.#above.take(bytes) !== 'taken') return 'shared';
    this.#taken += bytes;
    return 'taken';
  }

  /** Returns all that was taken, here and above. */
  release(): void {
    this.#giveBack(this.#taken);
  }

  #giveBack(bytes: number): void {
    this.#taken -= bytes;
    if (this.#above !== undefined) this.#above.#giveBack(bytes);
  }
}
