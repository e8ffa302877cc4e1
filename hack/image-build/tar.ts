/**
 * Reads and writes tar archives in memory. A layer must be the same bytes for the same content: entries are sorted, all
 * have one time and no user names. The format is tar-stream's part.
 */
import { extract, pack, type Header, type Pack } from 'tar-stream';

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

const NAMES_OF_TYPES = { file: 'file', directory: 'directory', symlink: 'symlink', hardlink: 'link' } as const;
const EPOCH = new Date(0);

/**
 * Entries of a tar archive in its order. Devices and FIFOs are left out: no image of ours has any. Rejects where the
 * archive cannot be read, naming the entry.
 */
export async function readTar(archive: Buffer): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  let reading = 'its beginning';
  const reader = extract();
  reader.end(archive);
  try {
    for await (const content of reader) {
      reading = JSON.stringify(content.header.name);
      const entry = entryOf(content.header, await bytesOf(content));
      if (entry !== undefined) entries.push(entry);
    }
  } catch (error) {
    throw new Error(`tar archive cannot be read at ${reading}`, { cause: error });
  }
  return entries;
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function entryOf(header: Header, body: Buffer): TarEntry | undefined {
  const path = cleanPath(header.name);
  if (path === '') return undefined;
  const common = { path, ...rightsOf(header) };
  const target = header.linkname ?? '';
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return { ...common, type: 'file', body };
    case 'directory':
      return { ...common, type: 'directory' };
    case 'symlink':
      return { ...common, type: 'symlink', target };
    case 'link':
      return { ...common, type: 'hardlink', target: cleanPath(target) };
    default:
      return undefined;
  }
}

function rightsOf({ mode, uid, gid }: Header): { mode: number; uid: number; gid: number } {
  return { mode: (mode ?? 0) & 0o7777, uid: uid ?? 0, gid: gid ?? 0 };
}

/**
 * One archive of the entries, sorted by path (hard links last, so that what they name exists), every time set to 1970.
 * A path given twice keeps its last entry, as unpacking would. Parent directories that are missing are added as 0755
 * root.
 */
export async function writeTar(entries: Iterable<TarEntry>): Promise<Buffer> {
  const archive = pack();
  const written = bytesOf(archive);
  for (const entry of sortedEntries(entries)) await add(archive, entry);
  archive.finalize();
  return written;
}

function add(archive: Pack, entry: TarEntry): Promise<void> {
  const header: Header = {
    name: entry.path,
    type: NAMES_OF_TYPES[entry.type],
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: EPOCH,
    size: entry.body?.length ?? 0,
    uname: '',
    gname: '',
    devmajor: 0,
    devminor: 0,
    linkname: entry.target ?? '',
  };
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (entry.type === 'file') archive.entry(header, entry.body ?? Buffer.alloc(0), done);
    else archive.entry(header, done);
  });
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

function cleanPath(path: string): string {
  return path
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}
