import { createHash } from 'node:crypto';

/** Reads a resource of a tile-backed log by its path below the log's address. */
export type ReadResource = (path: string) => Promise<Buffer>;

const width = 256;

/** A checkpoint (C2SP tlog-checkpoint): origin, size and root hash, then signatures. */
export function parseCheckpoint(note: string): { size: number; rootHash: Buffer } {
  const [, size = '', root = ''] = note.split('\n');
  const parsed = { size: Number(size), rootHash: Buffer.from(root, 'base64') };
  if (!Number.isSafeInteger(parsed.size) || parsed.size < 1 || parsed.rootHash.length !== 32)
    throw new Error('the checkpoint has no size and root hash');
  return parsed;
}

/**
 * Tile numbers are written in groups of three digits, all but the last with an x (C2SP tlog-tiles): 1234067 is
 * x001/x234/067.
 */
export function tilePath(tile: number, hashes: number): string {
  const groups: string[] = [];
  for (let rest = tile; ; rest = Math.floor(rest / 1000)) {
    groups.unshift(`${groups.length === 0 ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`);
    if (rest < 1000) break;
  }
  return `${groups.join('/')}${hashes < width ? `.p/${hashes}` : ''}`;
}

/** One entry out of its bundle: entries stand behind each other, each with its length in two bytes before it. */
export async function readEntry(read: ReadResource, index: number, size: number): Promise<Buffer> {
  const tile = Math.floor(index / width);
  const bundle = await read(`tile/entries/${tilePath(tile, Math.min(width, size - tile * width))}`);
  let offset = 0;
  for (let before = index % width; ; before -= 1) {
    if (offset + 2 > bundle.length) throw new Error(`the bundle of entries ends before entry ${index}`);
    const end = offset + 2 + bundle.readUInt16BE(offset);
    if (before === 0) return bundle.subarray(offset + 2, end);
    offset = end;
  }
}

export const leafHash = (entry: Uint8Array): Buffer => createHash('sha256').update(Buffer.of(0)).update(entry).digest();
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();

/** Hashes of subtrees of a log of `size` entries, out of its tiles; each tile is read once. */
class Tree {
  readonly #read: ReadResource;
  readonly #size: number;
  readonly #tiles = new Map<string, Promise<Buffer>>();

  constructor(read: ReadResource, size: number) {
    this.#read = read;
    this.#size = size;
  }

  /** Of the entries [from, to), as RFC 6962 divides them. */
  async hash(from: number, to: number): Promise<Buffer> {
    const count = to - from;
    const level = Math.log2(count);
    if (Number.isInteger(level) && from % count === 0) return this.#complete(level, from / count);
    const split = from + largestPowerBelow(count);
    return nodeHash(await this.hash(from, split), await this.hash(split, to));
  }

  /** Of the complete subtree of 2^level entries with this number: 2^(level mod 8) hashes of a tile, joined. */
  async #complete(level: number, number: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / 8);
    const span = 2 ** (level % 8);
    const first = number * span;
    const tile = Math.floor(first / width);
    const bytes = await this.#tile(tileLevel, tile);
    const start = (first % width) * 32;
    if (bytes.length < start + span * 32) throw new Error(`tile ${tileLevel}/${tile} is too short`);
    let hashes = Array.from({ length: span }, (_, index) =>
      bytes.subarray(start + index * 32, start + (index + 1) * 32),
    );
    while (hashes.length > 1)
      hashes = Array.from({ length: hashes.length / 2 }, (_, index) =>
        nodeHash(hashes[2 * index]!, hashes[2 * index + 1]!),
      );
    return hashes[0]!;
  }

  #tile(level: number, tile: number): Promise<Buffer> {
    const hashes = Math.min(width, Math.floor(this.#size / width ** level) - tile * width);
    const path = `tile/${level}/${tilePath(tile, hashes)}`;
    const found = this.#tiles.get(path) ?? this.#read(path);
    this.#tiles.set(path, found);
    return found;
  }
}

/** The audit path of RFC 6962, section 2.1.1, from the entry upwards. */
export async function inclusionProof(read: ReadResource, index: number, size: number): Promise<Buffer[]> {
  const tree = new Tree(read, size);
  const path: Promise<Buffer>[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const split = from + largestPowerBelow(to - from);
    path.unshift(index < split ? tree.hash(split, to) : tree.hash(from, split));
    if (index < split) to = split;
    else from = split;
  }
  return Promise.all(path);
}

/** The root that follows from an entry and its audit path. */
export function rootOf(leaf: Buffer, index: number, size: number, proof: readonly Buffer[]): Buffer {
  const sides: boolean[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const split = from + largestPowerBelow(to - from);
    sides.unshift(index < split);
    if (index < split) to = split;
    else from = split;
  }
  return sides.reduce(
    (hash, isLeft, step) =>
      isLeft ? nodeHash(hash, proof[step] ?? Buffer.alloc(0)) : nodeHash(proof[step] ?? Buffer.alloc(0), hash),
    leaf,
  );
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
