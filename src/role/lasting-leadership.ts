import type { Bucket, Leadership } from '../kube/buckets.ts';

/** Leadership that outlives the election it comes from: a change of the buckets makes a new election. */
export class LastingLeadership implements Leadership {
  readonly #held = new Set<Bucket>();
  readonly #promoted = new Set<(bucket: Bucket) => void>();
  readonly #drainers = new Set<(bucket: Bucket) => Promise<void>>();
  readonly #lost = new Set<(bucket: Bucket) => void>();
  #current: Pick<Leadership, 'owns'> | undefined;

  /** From now on it is this election's word that counts. */
  follow(leadership: Leadership): void {
    this.#current = leadership;
    leadership.onPromoted((bucket) => {
      this.#held.add(bucket);
      for (const listener of this.#promoted) listener(bucket);
    });
    leadership.onDraining((bucket) => this.#drain(bucket));
    leadership.onLost((bucket) => {
      this.#held.delete(bucket);
      for (const listener of this.#lost) listener(bucket);
    });
  }

  /** Owns nothing until it follows another election; resolves when nothing that was owned is in work. */
  async leave(): Promise<void> {
    this.#current = undefined;
    await Promise.all([...this.#held].map((bucket) => this.#drain(bucket)));
  }

  owns(key: string): boolean {
    return this.#current?.owns(key) ?? false;
  }

  onPromoted(listener: (bucket: Bucket) => void): () => void {
    this.#promoted.add(listener);
    for (const bucket of this.#held) listener(bucket);
    return () => this.#promoted.delete(listener);
  }

  onDraining(listener: (bucket: Bucket) => Promise<void>): () => void {
    this.#drainers.add(listener);
    return () => this.#drainers.delete(listener);
  }

  onLost(listener: (bucket: Bucket) => void): () => void {
    this.#lost.add(listener);
    return () => this.#lost.delete(listener);
  }

  async #drain(bucket: Bucket): Promise<void> {
    await Promise.all([...this.#drainers].map((drainer) => drainer(bucket)));
  }
}
