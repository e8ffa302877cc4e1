import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../command.ts';
import { inTemporaryFolder } from '../image-build/files.ts';
import type { BuildContext } from '../image-build/layers.ts';
import type { ImageRecipe } from '../image-build/recipes.ts';
import { componentsOf } from './components.ts';
import { billOfMaterials, provenance, type Sources, type Subject } from './statements.ts';

/** An image as it was pushed, and what it was built from. */
export interface Pushed {
  readonly sources: Sources;
  readonly recipe: ImageRecipe;
  readonly digest: string;
  /** `HOST/REPOSITORY@sha256:...` */
  readonly reference: string;
}

/** The bill of materials of an image, as JSON. */
export async function billOf(recipe: ImageRecipe, digest: string, context: BuildContext): Promise<object> {
  return billOfMaterials(subjectOf(recipe, digest), await componentsOf(recipe.layers, context));
}

/**
 * Signs an image and attests its provenance and its bill of materials beside it.
 * @param context how it was built; undefined for an index, whose images have a bill each
 * @param cosign the program, and its flags that say what to sign with
 */
export async function attest(
  { recipe, digest, reference, sources }: Pushed,
  context: BuildContext | undefined,
  { program, flags }: { program: string; flags: readonly string[] },
): Promise<void> {
  const statements = {
    ...(context === undefined ? {} : { cyclonedx: await billOf(recipe, digest, context) }),
    slsaprovenance1: provenance(subjectOf(recipe, digest), sources),
  };
  await command([program, 'sign', '--yes', ...flags, reference], { show: true });
  await inTemporaryFolder(async (folder) => {
    for (const [type, statement] of Object.entries(statements)) {
      const predicate = join(folder, `${type}.json`);
      await writeFile(predicate, JSON.stringify(statement));
      await command([program, 'attest', '--yes', ...flags, '--type', type, '--predicate', predicate, reference], {
        show: true,
      });
    }
  });
}

function subjectOf({ name, tags }: ImageRecipe, digest: string): Subject {
  return { name, version: tags[0] ?? '', digest };
}
