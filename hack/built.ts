/**
 * What is made from the sources, kept by a digest of all that decides it: tests and images want the same bundle dozens
 * of times, and each takes a processor ten seconds.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { withLock } from './lock.ts';

export interface BuiltFile {
  /** Relative, with slashes. */
  readonly path: string;
  readonly body: Buffer;
}

export interface Recipe {
  /** `bundle`, `page`. */
  readonly name: string;
  /** Files and folders of the project that decide it; tests in them do not. */
  readonly sources: readonly string[];
  /** What else decides it. */
  readonly input?: string;
  readonly make: () => Promise<readonly BuiltFile[]>;
}

/** What was not used for so long is removed when something new is made. */
const KEPT_MS = 24 * 3_600_000;

/** The folder that has what the recipe makes, from now or from before. Nobody may write there. */
export async function built(root: string, recipe: Recipe, cache = cacheFolder()): Promise<string> {
  const all = join(cache, 'built');
  const folder = join(all, `${recipe.name}-${await digestOf(root, recipe)}`);
  if (await use(folder)) return folder;
  await withLock(`${folder}.lock`, async () => {
    if (await use(folder)) return;
    await removeUnused(all);
    const files = await recipe.make();
    const made = await mkdtemp(`${folder}.`);
    for (const { path, body } of files) {
      await mkdir(dirname(join(made, path)), { recursive: true });
      await writeFile(join(made, path), body);
    }
    await rename(made, folder);
  });
  return folder;
}

/** The files of a folder, sorted by path. */
export async function filesIn(folder: string): Promise<BuiltFile[]> {
  const paths = await pathsIn(folder);
  return Promise.all(paths.map(async (path) => ({ path, body: await readFile(join(folder, path)) })));
}

async function pathsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

async function digestOf(root: string, { sources, input = '' }: Recipe): Promise<string> {
  const hash = createHash('sha256').update(input);
  for (const source of sources) {
    const isFolder = (await stat(join(root, source))).isDirectory();
    const paths = isFolder ? (await pathsIn(join(root, source))).map((path) => join(source, path)) : [source];
    for (const path of paths.filter((name) => !/\.(test|fake)\.tsx?$/.test(name)))
      hash.update(`\0${path}\0`).update(await readFile(join(root, path)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Whether it is there; then it counts as used now. */
async function use(folder: string): Promise<boolean> {
  const now = new Date();
  return utimes(folder, now, now).then(
    () => true,
    () => false,
  );
}

async function removeUnused(all: string): Promise<void> {
  for (const name of await readdir(all)) {
    const { mtimeMs } = await stat(join(all, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > KEPT_MS) await rm(join(all, name), { recursive: true, force: true });
  }
}
