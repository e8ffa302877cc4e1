/**
 * Builds recipes into OCI layouts under the cache folder; a layer or image whose inputs are unchanged is used as it is.
 */
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../lock.ts';
import type { Architecture } from './architecture.ts';
import { exists, sha256Hex } from './files.ts';
import type { BuildContext, LayerRecipe } from './layers.ts';
import { storeLayer, writeOciImage, type StoredLayer, type WrittenImage } from './oci.ts';
import type { ImageRecipe } from './recipes.ts';

export interface BuiltImage extends WrittenImage {
  readonly recipe: ImageRecipe;
  /** The OCI layout. */
  readonly dir: string;
  /** Wall time in milliseconds, 0 when nothing had to be done. */
  readonly tookMs: number;
  /** Of an image for several processors: the manifests that its index names. */
  readonly parts?: readonly { readonly architecture: Architecture; readonly digest: string }[];
}

interface KeyedLayer {
  readonly recipe: LayerRecipe;
  readonly key: string;
}

const SUMMARY = 'image.json';

export interface Builder {
  build(recipe: ImageRecipe): Promise<BuiltImage>;
  /** The image as built before from these inputs, or undefined. */
  find(recipe: ImageRecipe): Promise<BuiltImage | undefined>;
}

/**
 * `clock` gives milliseconds. Keys are computed once per builder: one run of the command sees one state of the sources.
 */
export async function createBuilder(context: BuildContext, clock: () => number): Promise<Builder> {
  const store = join(context.dir, 'images');
  await mkdir(join(store, 'layers'), { recursive: true });
  const source = await hashOfSource(join(context.root, 'hack/image-build'));
  const layerKeys = new Map<LayerRecipe, Promise<string>>();

  const keyOf = (layer: LayerRecipe): Promise<string> => {
    const known = layerKeys.get(layer);
    if (known !== undefined) return known;
    const key = layer
      .inputs(context)
      .then((inputs) =>
        sha256Hex(JSON.stringify([layer.name, source, context.architecture, encodable(inputs)])).slice(0, 32),
      );
    layerKeys.set(layer, key);
    return key;
  };
  const keyed = (layers: readonly LayerRecipe[]): Promise<KeyedLayer[]> =>
    Promise.all(layers.map(async (recipe) => ({ recipe, key: await keyOf(recipe) })));
  const folderOf = (recipe: ImageRecipe, layers: readonly KeyedLayer[]): string =>
    join(
      store,
      sha256Hex(
        JSON.stringify([
          recipe.name,
          recipe.config,
          recipe.repositories,
          recipe.tags,
          context.architecture,
          layers.map((layer) => layer.key),
        ]),
      ).slice(0, 32),
    );

  const layer = async ({ recipe, key }: KeyedLayer): Promise<StoredLayer> => {
    const summary = join(store, 'layers', `${key}.json`);
    if (await exists(summary)) return JSON.parse(await readFile(summary, 'utf8')) as StoredLayer;
    const started = clock();
    const stored = await storeLayer({ entries: await recipe.entries(context) }, join(store, 'layers'));
    await writeAtomically(summary, JSON.stringify(stored));
    context.progress(`layer ${recipe.name}: ${megabytes(stored.size)} in ${((clock() - started) / 1000).toFixed(1)} s`);
    return stored;
  };
  const find = async (recipe: ImageRecipe): Promise<BuiltImage | undefined> => {
    const dir = folderOf(recipe, await keyed(recipe.layers));
    if (!(await exists(join(dir, SUMMARY)))) return undefined;
    const written = JSON.parse(await readFile(join(dir, SUMMARY), 'utf8')) as WrittenImage;
    return { ...written, recipe, dir, tookMs: 0 };
  };
  const build = async (recipe: ImageRecipe): Promise<BuiltImage> =>
    (await find(recipe)) ??
    withLock(join(store, 'lock'), async () => (await find(recipe)) ?? make(recipe), context.progress);
  const make = async (recipe: ImageRecipe): Promise<BuiltImage> => {
    const started = clock();
    const layers = await keyed(recipe.layers);
    const sources = [];
    for (const each of layers) sources.push({ stored: await layer(each) });
    const dir = folderOf(recipe, layers);
    const names = recipe.repositories.flatMap((repository) => recipe.tags.map((tag) => `${repository}:${tag}`));
    const partial = `${dir}.${process.pid}`;
    const written = await writeOciImage(
      { layers: sources, config: recipe.config, names, architecture: context.architecture },
      partial,
    );
    await writeFile(join(partial, SUMMARY), JSON.stringify(written));
    await rm(dir, { recursive: true, force: true });
    await rename(partial, dir);
    return { ...written, recipe, dir, tookMs: clock() - started };
  };
  return { build, find };
}

/** The source of this folder decides content, so it is part of every key; pushing and the command line do not. */
async function hashOfSource(dir: string): Promise<string> {
  const names = (await readdir(dir)).filter(
    (name) => name.endsWith('.ts') && !/\.test\.ts$|^(main|registry|recipes|builder|index-builder)\.ts$/.test(name),
  );
  const bodies = await Promise.all(
    names.sort().map(async (name) => `${name}\n${await readFile(join(dir, name), 'utf8')}`),
  );
  return sha256Hex(bodies.join('\n'));
}

/** Buffers inside inputs as hex: JSON.stringify would spell out every byte. */
function encodable(inputs: unknown): unknown {
  return JSON.parse(
    JSON.stringify(inputs, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ) ?? 'null',
  );
}

async function writeAtomically(path: string, text: string): Promise<void> {
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
