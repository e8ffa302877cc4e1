/** How many events, and bytes of events, are in work. */
export interface Amount {
  events: number;
  bytes: number;
}

/** Room for events in work, of one listener or of several. */
export class Room {
  readonly #most: Amount;
  readonly #used: Amount = { events: 0, bytes: 0 };

  constructor(most: Amount) {
    this.#most = most;
  }

  hasFor(bytes: number): boolean {
    return this.#used.events < this.#most.events && this.#used.bytes + bytes <= this.#most.bytes;
  }

  take(bytes: number): void {
    this.#used.events += 1;
    this.#used.bytes += bytes;
  }

  give(bytes: number): void {
    this.#used.events -= 1;
    this.#used.bytes -= bytes;
  }
}

/** Takes room for something in all of these, or in none; returns what gives it back. */
export function admitted(rooms: readonly Room[], bytes: number): (() => void) | undefined {
  if (!rooms.every((room) => room.hasFor(bytes))) return undefined;
  for (const room of rooms) room.take(bytes);
  return () => {
    for (const room of rooms) room.give(bytes);
  };
}
