/**
 * Builds the dashboard's page (src/dashboard/page) with Vite: files that name each other by relative addresses, so that
 * it works under a prefix. `hack/images` takes them from memory, `npm run build:page` writes them to dist/dashboard,
 * where a dashboard that is started from the sources looks for them.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { build, type Rolldown } from 'vite';
import type { BuiltFile } from './built.ts';

/**
 * The page's files, sorted by path: `index.html`, `assets/index-4f2a9c1b.js`. Throws Vite's error, which names file and
 * line.
 */
export async function builtPage(root: string): Promise<BuiltFile[]> {
  const built = await forProduction(() => viteBuild(root));
  const files = built.output.map((file) => ({
    path: file.fileName,
    body: Buffer.from(file.type === 'chunk' ? file.code : file.source),
  }));
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** Vite and the page's packages look at NODE_ENV, which tests set: the page is the same wherever it is built. */
async function forProduction<T>(work: () => Promise<T>): Promise<T> {
  const { NODE_ENV: before } = process.env;
  process.env['NODE_ENV'] = 'production';
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

async function viteBuild(root: string): Promise<Rolldown.RolldownOutput> {
  return (await build({
    configFile: false,
    root: join(root, 'src/dashboard/page'),
    base: './',
    publicDir: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2023',
      // The page's policy lets in nothing inline.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  })) as Rolldown.RolldownOutput;
}

/** Writes the page's files into a folder, which then holds nothing else. */
export async function writePage(root: string, folder: string): Promise<BuiltFile[]> {
  const files = await builtPage(root);
  await rm(folder, { recursive: true, force: true });
  for (const { path, body } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), body);
  }
  return files;
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  try {
    for (const { path, body } of await writePage(root, join(root, 'dist/dashboard')))
      console.log(`dist/dashboard/${path} ${(body.length / 1e3).toFixed(0)} kB`);
  } catch (error) {
    console.error(`hack/page.ts: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
