import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { ByteBudget } from '../../http/byte-budget.ts';
import { applyDelta } from './delta.ts';
import { ProtocolError } from './pkt-line.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface GitObject {
  type: ObjectType;
  data: Buffer;
}

/** What is read from a pack. */
export interface PackLimits {
  /** For the unpacked objects of this pack, and above it of all that are being read. */
  budget: ByteBudget;
  /** `sha1` or `sha256`: names of objects are hashes of their content. */
  hash: 'sha1' | 'sha256';
}

const types: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const offsetDelta = 6;
const referenceDelta = 7;
/** Of one unpacked object: no definition is larger, and few trees. */
const largestObject = 16 * 1024 * 1024;
const mostObjects = 1_000_000;
/** What an object costs in memory besides its content, and in time as much as so many bytes. */
const perObject = 512;
const timePerObject = 8 * 1024;
/** Unpacking is work without a pause: others get their turn after so many bytes. */
const bytesPerTurn = 4 * 1024 * 1024;

/** Of zlib's output. */
const smallestChunk = 64;
const largestChunk = 64 * 1024;

interface Entry {
  type: ObjectType | undefined;
  /** Offset or name of what a delta changes. */
  base: number | string | undefined;
  data: Buffer;
}

/**
 * The objects of a pack by name. Names are computed from the content, so that what is found under a name is what it
 * names, whatever the server says.
 * @throws ProtocolError for a malformed pack, or one larger than the limits.
 */
export async function readPack(pack: Buffer, limits: PackLimits, signal: AbortSignal): Promise<Map<string, GitObject>> {
  const pauses = new Pauses(signal);
  const entries = await readEntries(pack, limits, pauses);
  const objects = new Map<string, GitObject>();
  const waiting = new Map<number | string, PlacedEntry[]>();
  const ready: { placed: PlacedEntry; object: GitObject }[] = [];
  for (const [offset, entry] of entries) {
    const { type, base, data } = entry;
    const placed = { offset, entry };
    if (base !== undefined) upon(waiting, base).push(placed);
    else if (type !== undefined) ready.push({ placed, object: { type, data } });
  }
  // From each object to the deltas upon it: every entry is met once, in whatever order they came.
  let resolved = 0;
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    const { placed, object } = next;
    const name = nameOf(object, limits.hash);
    objects.set(name, object);
    resolved += 1;
    for (const base of [placed.offset, name]) {
      for (const delta of waiting.get(base) ?? []) {
        const data = applyDelta(object.data, delta.entry.data, largestObject);
        take(data.length + perObject, limits.budget);
        await pauses.after(data.length);
        ready.push({ placed: delta, object: { type: object.type, data } });
      }
      waiting.delete(base);
    }
    await pauses.after(object.data.length);
  }
  if (resolved < entries.size) throw new ProtocolError('the pack has deltas without their base');
  return objects;
}

function upon(waiting: Map<number | string, PlacedEntry[]>, base: number | string): PlacedEntry[] {
  const known = waiting.get(base) ?? [];
  waiting.set(base, known);
  return known;
}

interface PlacedEntry {
  offset: number;
  entry: Entry;
}

async function readEntries(pack: Buffer, limits: PackLimits, pauses: Pauses): Promise<Map<number, Entry>> {
  const hashLength = limits.hash === 'sha1' ? 20 : 32;
  const end = pack.length - hashLength;
  if (end < 12 || pack.toString('latin1', 0, 4) !== 'PACK') throw new ProtocolError('the answer holds no pack');
  const count = pack.readUInt32BE(8);
  if (count > mostObjects) throw new ProtocolError(`the pack has ${count} objects, more than ${mostObjects}`);
  const entries = new Map<number, Entry>();
  for (let at = 12; entries.size < count;) {
    const { entry, next } = readEntry(pack.subarray(0, end), at, hashLength);
    take(entry.data.length + perObject, limits.budget);
    entries.set(at, entry);
    at = next;
    await pauses.after(entry.data.length);
  }
  return entries;
}

function readEntry(pack: Buffer, offset: number, hashLength: number): { entry: Entry; next: number } {
  let at = offset;
  let byte = byteAt(pack, at++);
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; byte & 0x80; scale *= 128) {
    byte = byteAt(pack, at++);
    size += (byte & 0x7f) * scale;
    if (size > largestObject) throw new ProtocolError(`the pack has an object of more than ${largestObject} bytes`);
  }
  let base: Entry['base'];
  if (type === referenceDelta) {
    base = pack.toString('hex', at, at + hashLength);
    at += hashLength;
  } else if (type === offsetDelta) {
    const back = readOffset(pack, at);
    base = offset - back.value;
    at = back.next;
  }
  if (base === undefined && types[type] === undefined)
    throw new ProtocolError(`the pack has an object of type ${type}`);
  const { data, consumed } = inflate(pack.subarray(at), size);
  return { entry: { type: types[type], base, data }, next: at + consumed };
}

function readOffset(pack: Buffer, from: number): { value: number; next: number } {
  let at = from;
  let byte = byteAt(pack, at++);
  let value = byte & 0x7f;
  while (byte & 0x80) {
    byte = byteAt(pack, at++);
    value = (value + 1) * 128 + (byte & 0x7f);
    if (value > pack.length) throw new ProtocolError('the pack has a delta to nowhere');
  }
  return { value, next: at };
}

function inflate(from: Buffer, size: number): { data: Buffer; consumed: number } {
  try {
    // With `info` Node gives the engine too, which knows where the stream ended. What comes back may be a part of a
    // chunk, all of which it keeps in memory.
    const chunkSize = Math.min(Math.max(size, smallestChunk), largestChunk);
    const options = { info: true, maxOutputLength: Math.max(size, 1), chunkSize };
    const { buffer, engine } = inflateSync(from, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (buffer.length === size) return { data: buffer, consumed: engine.bytesWritten };
  } catch {
    // told below
  }
  throw new ProtocolError('the pack is damaged');
}

function byteAt(pack: Buffer, at: number): number {
  const byte = pack[at];
  if (byte === undefined) throw new ProtocolError('the pack breaks off');
  return byte;
}

function take(bytes: number, budget: ByteBudget): void {
  const taken = budget.take(bytes);
  if (taken === 'spent') throw new ProtocolError(`the objects come to more than ${budget.limit} bytes`);
  if (taken === 'shared') throw new ProtocolError('too much is being read from others just now');
}

/** The name of an object: a hash over its type, size and content. */
export function nameOf({ type, data }: GitObject, hash: PackLimits['hash']): string {
  return createHash(hash).update(`${type} ${data.length}\0`).update(data).digest('hex');
}

class Pauses {
  readonly #signal: AbortSignal;
  #since = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** To be called after work on an object of so many bytes. */
  after(bytes: number): Promise<void> | undefined {
    this.#since += bytes + timePerObject;
    if (this.#since <= bytesPerTurn) return undefined;
    this.#since = 0;
    return turn(this.#signal);
  }
}

async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
