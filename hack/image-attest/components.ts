/** What is in the layers of our own images, as components of CycloneDX. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUNTIME_EXCEPT, RUNTIME_PACKAGES, STEP_BINARIES } from '../image-build/application.ts';
import { closurePackages } from '../image-build/debian.ts';
import { inTemporaryFolder } from '../image-build/files.ts';
import { goBinary } from '../image-build/go.ts';
import type { BuildContext, LayerRecipe } from '../image-build/layers.ts';
import { command } from '../command.ts';

export interface Component {
  readonly type: 'library' | 'application';
  readonly name: string;
  readonly version: string;
  /** https://github.com/package-url/purl-spec: what scanners look vulnerabilities up by. */
  readonly purl: string;
  readonly [more: string]: unknown;
}

const byLayer: Readonly<Record<string, (context: BuildContext) => Promise<readonly Component[]>>> = {
  runtime: debianPackages,
  node: nodeItself,
  bundle: npmPackages,
  'step-binaries': goModules,
  // Users and /tmp.
  'empty-root': () => Promise.resolve([]),
};

/** @throws Error for a layer of which it is not known what is in it: a list with gaps says less than none. */
export async function componentsOf(layers: readonly LayerRecipe[], context: BuildContext): Promise<Component[]> {
  const found: Component[] = [];
  for (const { name } of layers) {
    const components = byLayer[name];
    if (components === undefined)
      throw new Error(`what layer ${name} holds is not known: only images of our own have a bill of materials`);
    found.push(...(await components(context)));
  }
  return [...new Map(found.map((component) => [component.purl, component])).values()];
}

async function debianPackages(context: BuildContext): Promise<Component[]> {
  const packages = await closurePackages(context, RUNTIME_PACKAGES);
  return packages
    .filter(({ name }) => !RUNTIME_EXCEPT.includes(name))
    .map(({ name, version }) => ({
      type: 'library',
      name,
      version,
      purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${context.architecture}&distro=debian-12`,
    }));
}

async function nodeItself({ root }: BuildContext): Promise<Component[]> {
  const text = await readFile(join(root, 'node_modules/node/package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return [{ type: 'application', name: 'node', version, purl: `pkg:generic/node@${version}` }];
}

/** As npm tells them from the lock file: what is bundled is a part of these. */
async function npmPackages({ root }: BuildContext): Promise<Component[]> {
  const printed = await command(
    ['npm', 'sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--omit=dev', '--package-lock-only'],
    { cwd: root },
  );
  return (JSON.parse(printed) as { components: Component[] }).components;
}

/** As the binaries themselves say. */
async function goModules({ root, architecture }: BuildContext): Promise<Component[]> {
  const found: Component[] = [];
  for (const { module, target } of STEP_BINARIES)
    await inTemporaryFolder(async (folder) => {
      const binary = join(folder, 'binary');
      await writeFile(binary, await goBinary(join(root, module), target, architecture), { mode: 0o755 });
      found.push(...goComponents(await command(['go', 'version', '-m', binary])));
    });
  return found;
}

/** Reads what `go version -m` prints of one binary. */
export function goComponents(printed: string): Component[] {
  const go = (name: string, version: string): Component => ({
    type: 'library',
    name,
    version,
    purl: `pkg:golang/${name}@${version}`,
  });
  const standard = /: go(\d\S*)/.exec(printed)?.[1];
  if (standard === undefined) throw new Error(`go version printed ${JSON.stringify(printed.slice(0, 200))}`);
  const modules = printed.matchAll(/^\t(?:dep\t(\S+)\t(\S+)\t.*\n\t=>|dep|=>)\t(\S+)\t(\S+)/gm);
  return [go('stdlib', standard), ...Array.from(modules, ([, , , name = '', version = '']) => go(name, version))];
}
