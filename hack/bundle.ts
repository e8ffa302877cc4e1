/**
 * Bundles src/cli.ts into dist/tektite.mjs and dist/chunks/: what a role imports dynamically is a chunk that the others
 * never load. No packages are left to install. `npm run bundle` writes the files; images and tests have them from
 * hack/built-sources.ts. The Dockerfile copies this file and page.ts alone: they import no other of hack/.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { types } from 'node:util';
import { build, type Plugin } from 'esbuild';
import type { BuiltFile } from './built.ts';

/** CommonJS packages in the bundle call `require` for Node's own modules (pino) and read `__dirname` (google-gax). */
const REQUIRE = `import { createRequire as tektiteCreateRequire } from 'node:module';const require = tektiteCreateRequire(import.meta.url);const __dirname = import.meta.dirname;`;

/**
 * A CommonJS package that is imported dynamically becomes a chunk which exports nothing but `default`, where Node also
 * gives the names in it (`const { MongoClient } = await import('mongodb')`): here they are written out, as Node finds
 * them.
 */
const namesOfCommonJs: Plugin = {
  name: 'names-of-commonjs',
  setup(build) {
    const namespace = 'commonjs';
    build.onResolve({ filter: /^[^./]/ }, ({ kind, path, namespace: from, resolveDir }) => {
      if (kind !== 'dynamic-import' || from === namespace || isBuiltin(path)) return undefined;
      const found = createRequire(join(resolveDir, 'x.js'))(path) as object;
      return types.isModuleNamespaceObject(found)
        ? undefined
        : { path, namespace, pluginData: { names: Object.keys(found), resolveDir } };
    });
    build.onLoad({ filter: /.*/, namespace }, ({ path, pluginData }) => {
      const { names, resolveDir } = pluginData as { names: string[]; resolveDir: string };
      const exported = names.filter((name) => /^[\w$]+$/.test(name) && name !== 'default' && name !== '__esModule');
      const contents = `import * as all from ${JSON.stringify(path)}; export default all.default ?? all; export const { ${exported.join(', ')} } = all;`;
      return { contents, resolveDir };
    });
  },
};

export interface BundleOptions {
  /** src/cli.ts unless given. */
  entry?: string;
  /** What the sources are, for annotations of runs: see commit.ts. */
  commit?: string | undefined;
}

/**
 * The bundle's files, sorted by path: `tektite.mjs`, `chunks/config-ABCDEF.mjs`, and `.map` files beside them. Throws
 * esbuild's error, which names file and line.
 */
export async function bundle(
  root: string,
  { entry = join(root, 'src/cli.ts'), commit }: BundleOptions = {},
): Promise<BuiltFile[]> {
  const outdir = join(root, 'dist');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const { outputFiles } = await build({
    define: { TEKTITE_VERSION: JSON.stringify(version), TEKTITE_COMMIT: JSON.stringify(commit || 'unknown') },
    absWorkingDir: root,
    entryPoints: { tektite: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [namesOfCommonJs],
    // Its other entry reads a file that lies beside it, which a bundle has not.
    alias: { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' },
    banner: { js: REQUIRE },
  });
  const files = outputFiles.map((file) => ({ path: relative(outdir, file.path), body: Buffer.from(file.contents) }));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function writeBundle(root: string): Promise<void> {
  // The image's build has no git: it is told.
  const files = await bundle(root, { commit: process.env['TEKTITE_COMMIT'] });
  await rm(join(root, 'dist/chunks'), { recursive: true, force: true });
  for (const { path, body } of files) {
    await mkdir(dirname(join(root, 'dist', path)), { recursive: true });
    await writeFile(join(root, 'dist', path), body);
  }
  const code = files.filter(({ path }) => path.endsWith('.mjs'));
  for (const { path, body } of code) console.log(`dist/${path} ${(body.length / 1e3).toFixed(0)} kB`);
}

if (import.meta.main) {
  try {
    await writeBundle(resolve(import.meta.dirname, '..'));
  } catch (error) {
    console.error(`hack/bundle.ts: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
