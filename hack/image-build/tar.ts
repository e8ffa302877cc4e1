/**
 * Reads and writes tar archives in memory. Written here because a layer must be the same bytes for the same content:
 * sorted entries, one fixed time, no host names; and because Debian packages can then be merged without unpacking as
 * root. Format: POSIX.1-2001 (ustar with pax headers); GNU long names are understood when reading (dpkg writes them).
 */
export interface TarEntry {
  /** Relative to the root, no leading or trailing slash: `usr/bin/env`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** Permission bits, setuid, setgid and sticky included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** A symlink's text, or the path of the file that a hard link names. */
  readonly target?: string;
  readonly body?: Buffer;
}

const BLOCK = 512;
const NAME_BYTES = 100;

const TYPE_OF_FLAG: Record<string, TarEntry['type'] | undefined> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};
const FLAG_OF_TYPE: Record<TarEntry['type'], string> = { file: '0', hardlink: '1', symlink: '2', directory: '5' };

/**
 * Entries of a tar archive in its order. Devices and FIFOs are left out: no image of ours has any. Throws on a header
 * it cannot read.
 */
export function readTar(archive: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  let longPath: string | undefined;
  let longTarget: string | undefined;
  for (let offset = 0; offset + BLOCK <= archive.length;) {
    const header = archive.subarray(offset, offset + BLOCK);
    if (header[0] === 0) break;
    const size = octal(header, 124, 12);
    const body = archive.subarray(offset + BLOCK, offset + BLOCK + size);
    if (body.length < size)
      throw new Error(`tar archive ends in the middle of ${JSON.stringify(text(header, 0, NAME_BYTES))}`);
    offset += BLOCK + padded(size);
    const flag = String.fromCharCode(header[156] ?? 0);
    if (flag === 'L') longPath = text(body, 0, body.length);
    else if (flag === 'K') longTarget = text(body, 0, body.length);
    else if (flag === 'x') ({ path: longPath = longPath, linkpath: longTarget = longTarget } = paxRecords(body));
    else {
      const entry = entryOf(header, flag, body, longPath, longTarget);
      if (entry !== undefined) entries.push(entry);
      longPath = longTarget = undefined;
    }
  }
  return entries;
}

function entryOf(
  header: Buffer,
  flag: string,
  body: Buffer,
  longPath?: string,
  longTarget?: string,
): TarEntry | undefined {
  const type = TYPE_OF_FLAG[flag];
  const prefix = text(header, 257, 6) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : '';
  const name = longPath ?? (prefix === '' ? '' : `${prefix}/`) + text(header, 0, NAME_BYTES);
  const path = cleanPath(name);
  if (type === undefined || path === '') return undefined;
  const common = { path, mode: octal(header, 100, 8) & 0o7777, uid: octal(header, 108, 8), gid: octal(header, 116, 8) };
  const target = longTarget ?? text(header, 157, NAME_BYTES);
  switch (type) {
    case 'file':
      return { ...common, type, body };
    case 'directory':
      return { ...common, type };
    case 'symlink':
      return { ...common, type, target };
    case 'hardlink':
      return { ...common, type, target: cleanPath(target) };
    default: {
      const never: never = type;
      throw new Error(`tar entry type ${String(never)}`);
    }
  }
}

/**
 * One archive of the entries, sorted by path (hard links last, so that what they name exists), every time set to 1970.
 * A path given twice keeps its last entry, as unpacking would. Parent directories that are missing are added as 0755
 * root.
 */
export function writeTar(entries: Iterable<TarEntry>): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of sortedEntries(entries)) {
    const body = entry.type === 'file' ? (entry.body ?? Buffer.alloc(0)) : Buffer.alloc(0);
    const name = entry.type === 'directory' ? `${entry.path}/` : entry.path;
    const target = entry.target ?? '';
    const pax = paxHeaderOf(name, target);
    if (pax !== undefined)
      blocks.push(headerBlock({ ...entry, type: 'file', mode: 0o644 }, 'x', 'pax', '', pax.length), pad(pax));
    blocks.push(headerBlock(entry, FLAG_OF_TYPE[entry.type], name, target, body.length), pad(body));
  }
  blocks.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(blocks);
}

function sortedEntries(entries: Iterable<TarEntry>): TarEntry[] {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) byPath.set(entry.path, entry);
  for (const path of [...byPath.keys()]) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if (byPath.has(parent)) break;
      byPath.set(parent, { path: parent, type: 'directory', mode: 0o755, uid: 0, gid: 0 });
    }
  }
  const rank = (entry: TarEntry): number => (entry.type === 'hardlink' ? 1 : 0);
  return [...byPath.values()].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
}

function headerBlock(entry: TarEntry, flag: string, name: string, target: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(truncated(name), 0, NAME_BYTES);
  header.write(octalField(entry.mode, 8), 100);
  header.write(octalField(entry.uid, 8), 108);
  header.write(octalField(entry.gid, 8), 116);
  header.write(octalField(size, 12), 124);
  header.write(octalField(0, 12), 136);
  header.write('        ', 148);
  header.write(flag, 156);
  header.write(truncated(target), 157, NAME_BYTES);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A pax record body for what does not fit the fixed fields, or undefined when everything fits. */
function paxHeaderOf(name: string, target: string): Buffer | undefined {
  const records = [
    Buffer.byteLength(name) > NAME_BYTES ? paxRecord('path', name) : '',
    Buffer.byteLength(target) > NAME_BYTES ? paxRecord('linkpath', target) : '',
  ].join('');
  return records === '' ? undefined : Buffer.from(records);
}

/** `<length> key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return `${length}${rest}`;
}

function paxRecords(body: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let offset = 0; offset < body.length;) {
    const space = body.indexOf(0x20, offset);
    const length = Number(body.toString('latin1', offset, space));
    if (space < 0 || !(length > 0)) break;
    const record = body.toString('utf8', space + 1, offset + length - 1);
    const equals = record.indexOf('=');
    records[record.slice(0, equals)] = record.slice(equals + 1);
    offset += length;
  }
  return records;
}

function cleanPath(path: string): string {
  return path
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}

function text(buffer: Buffer, start: number, length: number): string {
  const end = buffer.indexOf(0, start);
  return buffer.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
}

function octal(header: Buffer, start: number, length: number): number {
  const digits = text(header, start, length).trim();
  if (!/^[0-7]*$/.test(digits))
    throw new Error(`tar header: ${JSON.stringify(digits)} at byte ${start} is not an octal number`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function octalField(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

function truncated(value: string): string {
  return Buffer.byteLength(value) <= NAME_BYTES ? value : Buffer.from(value).subarray(0, NAME_BYTES).toString('latin1');
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function pad(body: Buffer): Buffer {
  const missing = padded(body.length) - body.length;
  return missing === 0 ? body : Buffer.concat([body, Buffer.alloc(missing)]);
}
