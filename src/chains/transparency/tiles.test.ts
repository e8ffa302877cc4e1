import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inclusionProof, leafHash, parseCheckpoint, readEntry, rootOf, tilePath } from './tiles.ts';

const node = (left: Buffer, right: Buffer) =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();

/** RFC 6962's definition, straight from its text. */
function treeHash(leaves: Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return node(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** A log's files as C2SP tlog-tiles lays them down, with only the tiles of this size. */
function logOf(size: number) {
  const entries = Array.from({ length: size }, (_, index) => Buffer.from(`entry ${index}`));
  const files = new Map<string, Buffer>();
  const inTiles = <T>(items: T[], put: (path: string, part: T[]) => void) => {
    for (let tile = 0; tile * 256 < items.length; tile += 1)
      put(tilePath(tile, Math.min(256, items.length - tile * 256)), items.slice(tile * 256, (tile + 1) * 256));
  };
  inTiles(entries, (path, part) =>
    files.set(
      `tile/entries/${path}`,
      Buffer.concat(part.flatMap((entry) => [Buffer.of(entry.length >> 8, entry.length & 255), entry])),
    ),
  );
  let hashes = entries.map(leafHash);
  for (let level = 0; hashes.length > 0; level += 1) {
    inTiles(hashes, (path, part) => files.set(`tile/${level}/${path}`, Buffer.concat(part)));
    hashes = Array.from({ length: Math.floor(hashes.length / 256) }, (_, tile) =>
      treeHash(hashes.slice(tile * 256, (tile + 1) * 256)),
    );
  }
  const read = async (path: string) => {
    const file = files.get(path);
    if (file === undefined) throw new Error(`${path} is not there`);
    return file;
  };
  return { entries, read, root: treeHash(entries.map(leafHash)) };
}

describe('inclusionProof', () => {
  it('leads from any entry to the root, for logs of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1500 }), fc.nat(), async (size, seed) => {
        const index = seed % size;
        const { entries, read, root } = logOf(size);
        const entry = await readEntry(read, index, size);
        expect(entry.equals(entries[index]!)).toBe(true);
        expect(rootOf(leafHash(entry), index, size, await inclusionProof(read, index, size)).equals(root)).toBe(true);
      }),
      {
        numRuns: 40,
        examples: [
          [1, 0],
          [256, 255],
          [257, 256],
          [512, 0],
          [1500, 1400],
        ],
      },
    );
  });

  it('does not lead there from another entry', async () => {
    const { read, root } = logOf(300);
    const proof = await inclusionProof(read, 17, 300);
    expect(rootOf(leafHash(Buffer.from('entry 18')), 17, 300, proof).equals(root)).toBe(false);
  });

  it('names a file that is too short', async () => {
    const { read } = logOf(10);
    const short = async (path: string) => (await read(path)).subarray(0, 20);
    await expect(inclusionProof(short, 0, 10)).rejects.toThrow('tile 0/0 is too short');
    await expect(readEntry(short, 9, 10)).rejects.toThrow('ends before entry 9');
  });
});

describe('tilePath', () => {
  it.each([
    [0, 256, '000'],
    [0, 7, '000.p/7'],
    [999, 256, '999'],
    [1000, 256, 'x001/000'],
    [1_234_067, 1, 'x001/x234/067.p/1'],
  ])('%d with %d hashes is %s', (tile, hashes, path) => {
    expect(tilePath(tile, hashes)).toBe(path);
  });
});

describe('parseCheckpoint', () => {
  it('reads size and root', () => {
    expect(
      parseCheckpoint(`rekor.example\n12\n${Buffer.alloc(32, 7).toString('base64')}\n\n— rekor.example AAAA\n`),
    ).toEqual({ size: 12, rootHash: Buffer.alloc(32, 7) });
  });
  it.each(['', 'a\nb\nc\n', 'a\n0\nAAAA\n'])('refuses %j', (note) => {
    expect(() => parseCheckpoint(note)).toThrow(/no size and root hash/);
  });
});
