/**
 * Which bucket a key belongs to: the same answer as knative's hash package, so that during an upgrade from Tekton old
 * and new replicas agree. Names and key are hashed (FNV-1a, 64 bits) to angles on a circle of 2048; the key goes to the
 * first name at or after its own angle.
 */
const UNIVERSE_MASK = 2048 - 1;
const OFFSET_LOW = 0x84222325;
const OFFSET_64 = 0xcbf29ce484222325n;
const PRIME_64 = 0x100000001b3n;
/** The prime's low word. Low bits of a product depend on low bits only, and an angle is the 11 lowest bits. */
const PRIME_LOW = 0x1b3;
const MASK_64 = (1n << 64n) - 1n;
const START_SALT = Buffer.from('start-angle-salt');

/** The low 32 bits of FNV-1a over these bytes, going on from `state`. */
function fnvLow(state: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) state = Math.imul(state ^ (bytes[i] as number), PRIME_LOW);
  return state;
}

function fnv64(bytes: Uint8Array): bigint {
  let state = OFFSET_64;
  for (const byte of bytes) state = ((state ^ BigInt(byte)) * PRIME_64) & MASK_64;
  return state;
}

/** Maps keys ("namespace/name") to one of a fixed set of bucket names. */
export class BucketSet {
  readonly names: readonly string[];
  readonly #prefixes: readonly number[];

  /** @throws when there is no name. */
  constructor(names: readonly string[]) {
    if (names.length === 0) throw new Error('a bucket set needs at least one bucket');
    // In order, so that replicas settle collisions of angles alike.
    this.names = [...new Set(names)].sort();
    this.#prefixes = this.names.map((name) => fnvLow(OFFSET_LOW, Buffer.from(name)));
  }

  /** The name of the bucket that has this key. */
  ownerOf(key: string): string {
    if (this.names.length === 1) return this.names[0] as string;
    const target = Buffer.from(key);
    const start = fnvLow(fnvLow(OFFSET_LOW, target), START_SALT) & UNIVERSE_MASK;
    const angles = this.#angles(target);
    let owner: string | undefined;
    let ownerAngle = Infinity;
    let first: string | undefined;
    let firstAngle = Infinity;
    for (const [angle, name] of angles) {
      if (angle >= start && angle < ownerAngle) [owner, ownerAngle] = [name, angle];
      if (angle < firstAngle) [first, firstAngle] = [name, angle];
    }
    return owner ?? (first as string);
  }

  #angles(target: Uint8Array): Map<number, string> {
    const angles = new Map<number, string>();
    this.names.forEach((name, i) => {
      let angle = fnvLow(this.#prefixes[i] as number, target) & UNIVERSE_MASK;
      if (angles.has(angle)) angle = freeAngle(name, target, angles);
      angles.set(angle, name);
    });
    return angles;
  }
}

/** Hashes again with the last hash (in hex) added, until the angle is free. */
function freeAngle(name: string, target: Uint8Array, taken: ReadonlyMap<number, string>): number {
  let bytes: Uint8Array = Buffer.concat([Buffer.from(name), target]);
  for (;;) {
    const hash = fnv64(bytes);
    const angle = Number(hash & BigInt(UNIVERSE_MASK));
    if (!taken.has(angle)) return angle;
    bytes = Buffer.concat([bytes, Buffer.from(hash.toString(16))]);
  }
}
