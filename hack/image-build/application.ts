/**
 * Layers of Tektite's own images: the Node.js binary and the libraries it needs, the bundle, the Go binaries of step
 * containers.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../bundle.ts';
import { command } from '../command.ts';
import { sourceCommit } from '../commit.ts';
import { builtPage } from '../page.ts';
import { certificateBundle, file, folder, userFiles } from './base-files.ts';
import { debianEntries, rootSkeleton } from './debian.ts';
import { ensureCommand, exists, inTemporaryFolder, oncePer, sha256Hex } from './files.ts';
import { goBinary } from './go.ts';
import type { BuildContext, LayerRecipe } from './layers.ts';
import type { TarEntry } from './tar.ts';

/**
 * As gcr.io/distroless/cc-debian12, which the Dockerfile starts from, plus libatomic1 that Node.js asks for. No shell.
 */
export const RUNTIME_PACKAGES: readonly string[] = [
  'base-files',
  'ca-certificates',
  'libatomic1',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'netbase',
];
export const RUNTIME_EXCEPT: readonly string[] = ['debconf', 'openssl', 'libssl3', 'mawk', 'gcc-12-base'];

export const runtimeLayer: LayerRecipe = {
  name: 'runtime',
  inputs: () => Promise.resolve([RUNTIME_PACKAGES, RUNTIME_EXCEPT]),
  entries: async (context) => {
    const entries = await debianEntries(context, RUNTIME_PACKAGES, RUNTIME_EXCEPT);
    return [...rootSkeleton(), ...entries, ...certificateBundle(entries), ...userFiles('/sbin/nologin')];
  },
};

/** `node` from this repository's dev dependency, without debugging symbols (150 MB to 116 MB). */
export const nodeLayer: LayerRecipe = {
  name: 'node',
  inputs: async ({ root }) => {
    const { version } = JSON.parse(await readFile(join(root, 'node_modules/node/package.json'), 'utf8')) as {
      version: unknown;
    };
    return version;
  },
  entries: async ({ root, progress }) => {
    const installed = join(root, 'node_modules/node/bin/node');
    if (!(await exists(installed))) throw new Error(`${installed} is missing: run npm ci first`);
    progress('stripping node');
    return inTemporaryFolder(async (dir) => {
      await copyFile(installed, join(dir, 'node'));
      await ensureCommand('strip', 'binutils', progress);
      await command(['strip', join(dir, 'node')]);
      return [file('usr/local/bin/node', await readFile(join(dir, 'node')), 0o755)];
    });
  },
};

/** The bundle. Its source maps stay out: they would be most of the layer, and node reads them only when told to. */
export const bundleLayer: LayerRecipe = {
  name: 'bundle',
  inputs: async (context) => (await bundleEntries(context)).map((entry) => [entry.path, sha256Hex(entry.body ?? '')]),
  entries: (context) => bundleEntries(context),
};

const bundleEntries = oncePer(async ({ root }: BuildContext): Promise<TarEntry[]> => {
  const files = (await bundle(root, { commit: await sourceCommit(root) })).filter(({ path }) => !path.endsWith('.map'));
  return [folder('app'), ...files.map(({ path, body }) => file(`app/${path}`, body)), ...(await pageEntries(root))];
});

/** The dashboard's page: /app/dashboard, where the role looks for it. */
async function pageEntries(root: string): Promise<TarEntry[]> {
  const files = await builtPage(root);
  return [
    folder('app/dashboard'),
    folder('app/dashboard/assets'),
    ...files.map(({ path, body }) => file(`app/dashboard/${path}`, body)),
  ];
}

/** /ko-app/entrypoint with its CEL evaluator and signer, and /ko-app/nop: static, so that they run in any image. */
export const stepBinariesLayer: LayerRecipe = {
  name: 'step-binaries',
  inputs: async (context) =>
    (await stepBinaries(context)).map((entry) => [entry.path, sha256Hex(entry.body ?? Buffer.alloc(0))]),
  entries: (context) => stepBinaries(context),
};

/** What an image with nothing else needs: a user with a name, and /tmp. */
export const emptyRootLayer: LayerRecipe = {
  name: 'empty-root',
  inputs: () => Promise.resolve('nonroot'),
  entries: () => Promise.resolve([folder('tmp', 0o1777), ...userFiles('/sbin/nologin')]),
};

const GO_MODULE = 'src/entrypoint';

/** The Go programs of the images: folder of the module in this repository, and package. */
export const STEP_BINARIES = [
  { name: 'entrypoint', module: GO_MODULE, target: '.' },
  { name: 'entrypoint-cel', module: `${GO_MODULE}/cel`, target: '.' },
  { name: 'entrypoint-spire', module: `${GO_MODULE}/spire`, target: '.' },
  { name: 'nop', module: GO_MODULE, target: './nop' },
] as const;

const stepBinaries = oncePer(async ({ root, progress }: BuildContext): Promise<TarEntry[]> => {
  progress(`building ${GO_MODULE}`);
  const entries = [folder('ko-app')];
  for (const { name, module, target } of STEP_BINARIES)
    entries.push(file(`ko-app/${name}`, await goBinary(join(root, module), target), 0o755));
  return entries;
});
