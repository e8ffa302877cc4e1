/** Builds for several processors what builder.ts builds for one: an image for each, and an index over them. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBuilder, type Builder, type BuiltImage } from './builder.ts';
import type { BuildContext } from './layers.ts';
import { writeOciIndex } from './oci.ts';
import type { ImageRecipe } from './recipes.ts';

/** With one context its builder as it is. @param clock gives milliseconds */
export async function createIndexBuilder(contexts: readonly BuildContext[], clock: () => number): Promise<Builder> {
  const builders = await Promise.all(contexts.map((context) => createBuilder(context, clock)));
  const [first] = builders;
  if (first !== undefined && builders.length === 1) return first;

  const indexOf = async (recipe: ImageRecipe, images: readonly BuiltImage[]): Promise<BuiltImage> => {
    const parts = images.map(({ dir, digest }, at) => ({
      dir,
      digest,
      architecture: contexts[at]?.architecture ?? 'amd64',
    }));
    const names = recipe.repositories.flatMap((repository) => recipe.tags.map((tag) => `${repository}:${tag}`));
    const architectures = parts.map(({ architecture }) => architecture).join('-');
    const dir = join(contexts[0]?.dir ?? '', 'images', `index-${recipe.name}-${architectures}`);
    const partial = `${dir}.${process.pid}`;
    const { digest } = await writeOciIndex(parts, names, partial);
    await rm(dir, { recursive: true, force: true });
    await rename(partial, dir);
    const sum = (of: (image: BuiltImage) => number) => images.reduce((total, image) => total + of(image), 0);
    return { recipe, dir, digest, parts, size: sum(({ size }) => size), tookMs: sum(({ tookMs }) => tookMs) };
  };
  return {
    async build(recipe) {
      const images: BuiltImage[] = [];
      for (const builder of builders) images.push(await builder.build(recipe));
      return indexOf(recipe, images);
    },
    async find(recipe) {
      const images: BuiltImage[] = [];
      for (const builder of builders) {
        const found = await builder.find(recipe);
        if (found === undefined) return undefined;
        images.push(found);
      }
      return indexOf(recipe, images);
    },
  };
}
