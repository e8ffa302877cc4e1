/** A bounded memory: beyond `limit` entries the one goes that was not used for the longest time. */
export class Recent<V> {
  readonly #map = new Map<string, V>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value !== undefined) {
      this.#map.delete(key);
      this.#map.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    const oldest = this.#map.keys().next();
    if (this.#map.size > this.#limit && !oldest.done) this.#map.delete(oldest.value);
  }

  delete(key: string): void {
    this.#map.delete(key);
  }
}
