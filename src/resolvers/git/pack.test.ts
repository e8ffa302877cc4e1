import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../http/byte-budget.ts';
import { nameOf, readPack } from './pack.ts';

const signal = new AbortController().signal;
const read = (pack: Buffer, bytes = 64 * 1024 * 1024) =>
  readPack(pack, { budget: new ByteBudget(bytes), hash: 'sha1' }, signal);

interface Packed {
  type: number;
  /** In front of the compressed data: where a delta's base is. */
  base?: Buffer;
  data: Buffer;
  /** What the header says, when it lies. */
  size?: number;
}

function header(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}

function packOf(entries: readonly Packed[], count = entries.length): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  const body = entries.flatMap(({ type, base = Buffer.alloc(0), data, size = data.length }) => [
    header(type, size),
    base,
    deflateSync(data),
  ]);
  const content = Buffer.concat([head, ...body]);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
}

/** The delta that puts one byte in front of a base of less than 127 bytes. */
function prefixed(base: Buffer, byte: number): Buffer {
  return Buffer.from([base.length, base.length + 1, 1, byte, 0x90, base.length]);
}

const blob = (text: string): Packed => ({ type: 3, data: Buffer.from(text) });
const named = (text: string) => nameOf({ type: 'blob', data: Buffer.from(text) }, 'sha1');
const upon = (text: string, byte: number): Packed => ({
  type: 7,
  base: Buffer.from(named(text), 'hex'),
  data: prefixed(Buffer.from(text), byte),
});

describe('the objects of a pack', () => {
  it('have the names that git gives them', async () => {
    expect([...(await read(packOf([blob('hello\n')]))).keys()]).toEqual(['ce013625030ba8dba906f756967f9e9ca394464a']);
  });

  it.each<[name: string, entries: Packed[], wanted: string[]]>([
    ['a delta upon a name', [blob('b'), upon('b', 97)], ['b', 'ab']],
    ['a delta before its base', [upon('b', 97), blob('b')], ['b', 'ab']],
    ['a chain in the wrong order', [upon('ab', 97), upon('b', 97), blob('b')], ['b', 'ab', 'aab']],
    ['two deltas upon one base', [blob('b'), upon('b', 97), upon('b', 99)], ['b', 'ab', 'cb']],
    ['the same object twice', [blob('b'), blob('b'), upon('b', 97)], ['b', 'ab']],
  ])('%s', async (_name, entries, wanted) => {
    expect(new Set((await read(packOf(entries))).keys())).toEqual(new Set(wanted.map(named)));
  });

  it('a delta upon an offset', async () => {
    const [first, second] = [blob('b'), { type: 6, data: prefixed(Buffer.from('b'), 97) }];
    const back = header(3, 1).length + deflateSync(Buffer.from('b')).length;
    const objects = await read(packOf([first, { ...second, base: Buffer.from([back]) }]));
    expect(new Set(objects.keys())).toEqual(new Set([named('b'), named('ab')]));
  });

  it.each<[name: string, pack: Buffer, message: string]>([
    ['nothing', Buffer.alloc(0), 'the answer holds no pack'],
    ['something else', Buffer.alloc(64), 'the answer holds no pack'],
    ['fewer objects than it says', packOf([blob('b')], 2), 'the pack breaks off'],
    ['a million objects and one', packOf([blob('b')], 1_000_001), 'the pack has 1000001 objects, more than 1000000'],
    ['a delta without its base', packOf([upon('b', 97)]), 'the pack has deltas without their base'],
    [
      'a delta upon another',
      packOf([blob('c'), { ...upon('b', 97), base: Buffer.from(named('c'), 'hex'), data: Buffer.from([9, 1, 1, 97]) }]),
      'does not fit its base',
    ],
    ['an object larger than it says', packOf([{ ...blob('bbbb'), size: 2 }]), 'the pack is damaged'],
    ['an object of 17 MB', packOf([{ ...blob('b'), size: 17 * 1024 * 1024 }]), 'an object of more than 16777216 bytes'],
    ['a type that is none', packOf([{ type: 5, data: Buffer.from('b') }]), 'the pack has an object of type 5'],
  ])('are refused of %s', async (_name, pack, message) => {
    await expect(read(pack)).rejects.toThrow(message);
  });

  it('are not more than the budget', async () => {
    await expect(read(packOf([blob('b'.repeat(1000))]), 999)).rejects.toThrow('more than 999 bytes');
  });

  it('count by their number too: each costs memory, however small', async () => {
    const pack = packOf(Array.from({ length: 1000 }, () => blob('b')));
    await expect(read(pack, 1000 * 512)).rejects.toThrow('more than 512000 bytes');
  });

  it('keep no more in memory than their own bytes', async () => {
    const objects = await read(packOf(Array.from({ length: 200 }, (_, index) => blob(`blob ${index}`))));
    const buffers = new Set([...objects.values()].map(({ data }) => data.buffer));
    const held = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    expect(held).toBeLessThan(200 * 1024);
  });

  it('cost as much as they are many, in whatever order a chain comes', async () => {
    // The last of the chain comes first: each round of a search for what can be resolved would find one.
    const text = (index: number) => index.toString(36).padStart(4, '0');
    const replaced = (index: number): Packed => ({
      type: 7,
      base: Buffer.from(named(text(index - 1)), 'hex'),
      data: Buffer.concat([Buffer.from([4, 4, 4]), Buffer.from(text(index))]),
    });
    const pack = packOf([...Array.from({ length: 20_000 }, (_, index) => replaced(20_000 - index)), blob(text(0))]);
    const before = process.cpuUsage();
    expect((await read(pack)).size).toBe(20_001);
    const { user } = process.cpuUsage(before);
    expect(user / 1000).toBeLessThan(4_000);
  });

  it('never throw anything but that the pack is malformed', async () => {
    const valid = packOf([blob('base'), upon('base', 97), { type: 1, data: Buffer.from('tree 0\n') }]);
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), fc.nat(255), async (at, byte) => {
        const changed = Buffer.from(valid);
        changed[at] = byte;
        await read(changed).catch((error: Error) => expect(error.name).toBe('ProtocolError'));
      }),
    );
  });
});
