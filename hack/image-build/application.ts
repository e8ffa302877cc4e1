/**
 * Layers of Tektite's own images: the Node.js binary and the libraries it needs, the bundle, the Go binaries of step
 * containers.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesIn } from '../built.ts';
import { command } from '../command.ts';
import { sourceCommit } from '../commit.ts';
import { bundleFolder, pageFolder } from '../built-sources.ts';
import type { Architecture } from './architecture.ts';
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

/**
 * `node` of this repository's dev dependency, without debugging symbols (150 MB to 116 MB): as it is installed here, or
 * for another processor the package of the same version that npm would have installed there.
 */
export const nodeLayer: LayerRecipe = {
  name: 'node',
  inputs: nodeVersion,
  entries: (context) =>
    inTemporaryFolder(async (dir) => {
      const { progress, architecture } = context;
      const program = await nodeProgram(context, dir);
      progress('stripping node');
      const { strip, from } = STRIP[architecture];
      await ensureCommand(strip, from, progress);
      await command([strip, '-o', join(dir, 'stripped'), program]);
      return [file('usr/local/bin/node', await readFile(join(dir, 'stripped')), 0o755)];
    }),
};

/** Debian's programs by processor. */
const STRIP = {
  amd64: { strip: 'x86_64-linux-gnu-strip', from: 'binutils-x86-64-linux-gnu' },
  arm64: { strip: 'aarch64-linux-gnu-strip', from: 'binutils-aarch64-linux-gnu' },
} as const satisfies Record<Architecture, object>;

async function nodeVersion({ root }: BuildContext): Promise<string> {
  const text = await readFile(join(root, 'node_modules/node/package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function nodeProgram(context: BuildContext, dir: string): Promise<string> {
  const { root, progress, architecture } = context;
  if (NPM_NAMES[architecture] === process.arch) {
    const installed = join(root, 'node_modules/node/bin/node');
    if (await exists(installed)) return installed;
    throw new Error(`${installed} is missing: run npm ci first`);
  }
  const name = `node-linux-${NPM_NAMES[architecture]}@${await nodeVersion(context)}`;
  progress(`downloading ${name}`);
  const archive = (await command(['npm', 'pack', '--silent', name, '--pack-destination', dir], { cwd: dir })).trim();
  await command(['tar', '--extract', '--file', join(dir, archive), '--directory', dir, 'package/bin/node']);
  return join(dir, 'package/bin/node');
}

const NPM_NAMES = { amd64: 'x64', arm64: 'arm64' } as const satisfies Record<Architecture, string>;

/** The bundle. Its source maps stay out: they would be most of the layer, and node reads them only when told to. */
export const bundleLayer: LayerRecipe = {
  name: 'bundle',
  inputs: async (context) => (await bundleEntries(context)).map((entry) => [entry.path, sha256Hex(entry.body ?? '')]),
  entries: (context) => bundleEntries(context),
};

const bundleEntries = oncePer(async ({ root }: BuildContext): Promise<TarEntry[]> => {
  const files = await filesIn(await bundleFolder(root, await sourceCommit(root)));
  return [folder('app'), ...files.map(({ path, body }) => file(`app/${path}`, body)), ...(await pageEntries(root))];
});

/** The dashboard's page: /app/dashboard, where the role looks for it. */
async function pageEntries(root: string): Promise<TarEntry[]> {
  const files = await filesIn(await pageFolder(root));
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

const stepBinaries = oncePer(async ({ root, progress, architecture }: BuildContext): Promise<TarEntry[]> => {
  progress(`building ${GO_MODULE}`);
  const entries = [folder('ko-app')];
  for (const { name, module, target } of STEP_BINARIES)
    entries.push(file(`ko-app/${name}`, await goBinary(join(root, module), target, architecture), 0o755));
  return entries;
});
