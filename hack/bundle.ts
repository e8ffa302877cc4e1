/** Bundles src/cli.ts into dist/tektite.mjs: one file for the image, with a source map beside it. */
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

/** CommonJS packages inside the bundle (pino, parts of client-node) call `require` for Node's own modules. */
const REQUIRE = `import { createRequire as tektiteCreateRequire } from 'node:module';const require = tektiteCreateRequire(import.meta.url);`

/** Writes the bundle and returns its path. Throws esbuild's errors, which name file and line. */
export async function bundle(root: string, entry = join(root, 'src/cli.ts')): Promise<string> {
  const outfile = join(root, 'dist/tektite.mjs')
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'silent',
    banner: { js: REQUIRE },
  })
  return outfile
}

if (import.meta.main) console.log(await bundle(resolve(import.meta.dirname, '..')))
