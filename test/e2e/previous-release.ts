import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle } from '../../hack/bundle.ts';
import { root } from '../../hack/command.ts';
import { nodeLayer, runtimeLayer, STEP_BINARIES } from '../../hack/image-build/application.ts';
import { file } from '../../hack/image-build/base-files.ts';
import { createBuilder } from '../../hack/image-build/builder.ts';
import { contextFrom } from '../../hack/image-build/context.ts';
import { sha256Hex } from '../../hack/image-build/files.ts';
import { goBinary } from '../../hack/image-build/go.ts';
import type { LayerRecipe } from '../../hack/image-build/layers.ts';
import { imageRecipes, mirroredPath, type ImageRecipe } from '../../hack/image-build/recipes.ts';
import { openRegistry, pushOciLayout } from '../../hack/image-build/registry.ts';
import { keptArchive, recorded } from '../../hack/record-release.ts';

/** The release before this one, as a cluster can have it. */
export interface PreviousRelease {
  /** The folder of its chart. */
  chart: string;
  /** Chart values: its images in the cluster's registry. */
  values: Record<string, string>;
  /** The repository that its roles run from, which the present one's do not. */
  repository: string;
  remove(): Promise<void>;
}

const OWN = {
  tektite: 'ghcr.io/tektite/previous',
  entrypoint: 'ghcr.io/tektite/previous-entrypoint',
} as const;

/** Builds the recorded release's two images from its own sources, and pushes them: `registry` is `10.0.0.2:5000`. */
export async function previousRelease(registry: string): Promise<PreviousRelease> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tektite-previous-'));
  await unpack(folder);
  const digests = await push(await recipes(folder), registry);
  const values = Object.entries({ tektite: 'tektite', entrypoint: 'entrypoint', nop: 'entrypoint' } as const).flatMap(
    ([image, of]) => [
      [`images.${image}.repository`, OWN[of]],
      [`images.${image}.digest`, digests[of] ?? ''],
    ],
  );
  return {
    chart: path.join(folder, 'config/chart'),
    values: Object.fromEntries(values) as Record<string, string>,
    repository: OWN.tektite,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function unpack(folder: string): Promise<void> {
  for (const { path: name, body = Buffer.alloc(0) } of (await recorded()).files) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), body);
  }
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
}

/** Ours, with the layers that a release decides made of its sources. */
async function recipes(folder: string): Promise<ImageRecipe[]> {
  const archive = sha256Hex(await keptArchive());
  const { commit } = await recorded();
  const steps: LayerRecipe = {
    name: 'previous-steps',
    inputs: () => Promise.resolve(archive),
    entries: ({ architecture }) =>
      Promise.all(
        STEP_BINARIES.map(async ({ name, module, target }) =>
          file(`ko-app/${name}`, await goBinary(path.join(folder, module), target, architecture), 0o755),
        ),
      ),
  };
  const app: LayerRecipe = {
    name: 'previous-bundle',
    inputs: () => Promise.resolve(archive),
    entries: async () => {
      const files = await bundle(folder, { commit: commit.slice(0, 7) });
      return files
        .filter(({ path: name }) => !name.endsWith('.map'))
        .map(({ path: name, body }) => file(`app/${name}`, body));
    },
  };
  const layers = { tektite: [runtimeLayer, nodeLayer, steps, app], entrypoint: [steps] };
  return (await imageRecipes(root)).flatMap((recipe) => {
    const name = recipe.name as keyof typeof OWN;
    return name in OWN ? [{ ...recipe, repositories: [OWN[name]], tags: ['previous'], layers: layers[name] }] : [];
  });
}

/** Returns the digests by name. */
async function push(images: readonly ImageRecipe[], registry: string): Promise<Record<string, string>> {
  const builder = await createBuilder(contextFrom(process.env), () => performance.now());
  const destination = openRegistry(`http://${registry}`);
  const digests: Record<string, string> = {};
  try {
    for (const recipe of images) {
      const { dir } = await builder.build(recipe);
      for (const repository of recipe.repositories)
        digests[recipe.name] = await pushOciLayout(dir, destination, mirroredPath(repository), recipe.tags);
    }
    return digests;
  } finally {
    await destination.close();
  }
}
