import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** A file of the page, in every form that browsers take. */
export interface SiteFile {
  type: string;
  /** Its name has a hash of what is in it: it never changes. */
  isHashed: boolean;
  bytes: Buffer;
  gzip?: Buffer;
  brotli?: Buffer;
}

/** By path without the first slash: `assets/index-4f2a.js`. */
export type Site = ReadonlyMap<string, SiteFile>;

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
const compressible = /^(?:text|application)\/|svg/;
const hashed = /^assets\/.*-[\w-]{8,}\.\w+$/;

/**
 * Where the page lies: beside the bundle (/app/dashboard, its chunks in /app/chunks), or where Vite puts it in the
 * sources.
 */
export const usualFolders: readonly string[] = [
  path.resolve(import.meta.dirname, '../dashboard'),
  path.resolve(import.meta.dirname, '../../../dist/dashboard'),
];

/** The first of these folders that holds a page; undefined when none does. */
export async function folderWithPage(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders)
    if ((await stat(path.join(folder, 'index.html')).catch(() => undefined))?.isFile()) return folder;
  return undefined;
}

/** Reads a built page whole: a request never leads to a file system. Rejects when the folder cannot be read. */
export async function readSite(folder: string): Promise<Site> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const read = await Promise.all(
    files.map(async (file): Promise<[string, SiteFile]> => {
      const name = path.relative(folder, file).split(path.sep).join('/');
      return [name, await siteFile(name, await readFile(file))];
    }),
  );
  return new Map(read);
}

async function siteFile(name: string, bytes: Buffer): Promise<SiteFile> {
  const type = types[path.extname(name)] ?? 'application/octet-stream';
  const file: SiteFile = { type, isHashed: hashed.test(name), bytes };
  // The first page is changed as it is sent.
  if (!compressible.test(type) || bytes.length < 1024 || name === 'index.html') return file;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const [gzipped, brotli] = await Promise.all([
    promisify(gzip)(bytes, { level: 9 }),
    promisify(brotliCompress)(bytes, { params }),
  ]);
  return { ...file, gzip: gzipped, brotli };
}
