/** The command `hack/images`. */
import { attest, billOf, type Pushed } from '../image-attest/attest.ts';
import { sourcesOf } from '../image-attest/sources.ts';
import { tool } from '../one-node/binaries.ts';
import { contextFrom } from './context.ts';
import { architecturesIn } from './architecture.ts';
import { megabytes, type Builder, type BuiltImage } from './builder.ts';
import { createIndexBuilder } from './index-builder.ts';
import type { BuildContext } from './layers.ts';
import { imageRecipes, mirroredPath, selectRecipes, type ImageRecipe } from './recipes.ts';
import { openRegistry, pushOciLayout } from './registry.ts';

const USAGE = `usage: hack/images [--architectures=amd64,arm64] COMMAND ...
       hack/images build [NAME...]           build what changed; all images when no name is given
       hack/images push REGISTRY [NAME...]   build, then push to REGISTRY (HOST[:PORT][/PREFIX] or URL),
                                             with the credentials that "docker login" left
       hack/images list [--json]             names, sizes, digests, layouts
       hack/images path NAME                 folder of the OCI layout (builds it)
       hack/images sbom NAME                 CycloneDX document of one of our own images
       hack/images attest REGISTRY [NAME...] -- [FLAG...]
                                             push our own images, sign them and attest SBOM and provenance,
                                             with cosign and its flags: -- --key cosign.key

With several architectures an image is an index over one for each, on whatever machine; without the flag it is for amd64.
Layouts: \${TEKTITE_CACHE_DIR:-\${XDG_CACHE_HOME:-~/.cache}/tektite}/images. TEKTITE_DEBIAN_MIRROR replaces http://deb.debian.org.`;

class UsageError extends Error {}

const ARCHITECTURES = '--architectures=';

/** What the images are for, and the words after that. */
function architecturesAndWords(given: readonly string[]): { contexts: BuildContext[]; words: readonly string[] } {
  const [first = ''] = given;
  const isGiven = first.startsWith(ARCHITECTURES);
  const architectures = isGiven ? architecturesIn(first.slice(ARCHITECTURES.length)) : (['amd64'] as const);
  return {
    contexts: architectures.map((architecture) => contextFrom(process.env, architecture)),
    words: isGiven ? given.slice(1) : given,
  };
}

/** What a command works with. */
interface Work {
  readonly builder: Builder;
  readonly contexts: readonly BuildContext[];
  readonly recipes: readonly ImageRecipe[];
}

type Command = (work: Work, words: readonly string[]) => Promise<unknown>;

const commands: ReadonlyMap<string | undefined, Command> = new Map<string, Command>([
  ['build', ({ builder, recipes }, names) => build(builder, selectRecipes(recipes, names))],
  ['push', pushTo],
  ['sbom', sbom],
  ['attest', attestAll],
  ['list', ({ builder, recipes }, words) => list(builder, recipes, words.includes('--json'))],
  ['path', printPath],
]);

async function main(given: readonly string[]): Promise<void> {
  const { contexts, words } = architecturesAndWords(given);
  const [name, ...rest] = words;
  const recipes = await imageRecipes(contexts[0]?.root ?? '');
  const builder = await createIndexBuilder(contexts, () => performance.now());
  const command = commands.get(name);
  if (command === undefined)
    throw new UsageError(name === undefined ? 'no command given' : `unknown command ${JSON.stringify(name)}`);
  await command({ builder, contexts, recipes }, rest);
}

async function pushTo({ builder, recipes }: Work, [registry, ...names]: readonly string[]): Promise<void> {
  if (registry === undefined) throw new UsageError('push needs the registry: hack/images push registry.example.com');
  await push(builder, registry, selectRecipes(recipes, names));
}

async function printPath({ builder, recipes }: Work, names: readonly string[]): Promise<void> {
  const [recipe] = names.length === 1 ? selectRecipes(recipes, names) : [];
  if (recipe === undefined) throw new UsageError('path needs one image name');
  console.log((await builder.build(recipe)).dir);
}

async function sbom({ builder, contexts, recipes }: Work, names: readonly string[]): Promise<void> {
  const [recipe] = names.length === 1 ? selectRecipes(recipes, names) : [];
  const [context] = contexts;
  if (recipe === undefined || context === undefined || contexts.length > 1)
    throw new UsageError('sbom needs one image name, and one architecture');
  const { digest } = await builder.build(recipe);
  console.log(JSON.stringify(await billOf(recipe, digest, context), null, 2));
}

async function build(builder: Builder, recipes: readonly ImageRecipe[]): Promise<void> {
  for (const recipe of recipes) {
    const image = await builder.build(recipe);
    const state = image.tookMs === 0 ? 'up to date' : `built in ${(image.tookMs / 1000).toFixed(1)} s`;
    console.error(`${recipe.name}: ${megabytes(image.size)}, ${state}`);
  }
}

/** Returns the images with the digests by which the registry has them. */
async function push(
  builder: Builder,
  address: string,
  recipes: readonly ImageRecipe[],
): Promise<(Omit<Pushed, 'sources'> & Pick<BuiltImage, 'parts'>)[]> {
  const registry = openRegistry(address);
  const pushed = [];
  try {
    for (const recipe of recipes) {
      const image = await builder.build(recipe);
      const started = performance.now();
      for (const repository of recipe.repositories)
        await pushOciLayout(image.dir, registry, mirroredPath(repository), recipe.tags);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.error(
        `${recipe.name}: pushed ${recipe.repositories.join(', ')} (${recipe.tags.join(' ')}) in ${seconds} s`,
      );
      const [name = recipe.name] = recipe.repositories;
      console.log(`${name}@${image.digest}`);
      const reference = `${registry.address}/${mirroredPath(name)}@${image.digest}`;
      pushed.push({ recipe, digest: image.digest, reference, parts: image.parts });
    }
    return pushed;
  } finally {
    await registry.close();
  }
}

/** Everything before `--` is the registry and names, everything after it cosign's. */
async function attestAll({ builder, contexts, recipes }: Work, words: readonly string[]): Promise<void> {
  const { registry, names, flags } = attestWords(words);
  const sources = await sourcesOf(contexts[0]?.root ?? '');
  const pushed = await push(builder, registry, selectRecipes(recipes, names));
  const signing = { program: await tool('cosign-v3'), flags };
  for (const { parts = [], ...image } of pushed) {
    // What is in an image depends on its processor; an index is made of these.
    for (const { architecture, digest } of parts) {
      const context = contexts.find((each) => each.architecture === architecture);
      const reference = image.reference.replace(/@.*/, `@${digest}`);
      await attest({ ...image, digest, reference, sources }, context, signing);
    }
    await attest({ ...image, sources }, parts.length === 0 ? contexts[0] : undefined, signing);
    console.error(`${image.recipe.name}: signed, with SBOM and provenance`);
  }
}

function attestWords(words: readonly string[]): { registry: string; names: readonly string[]; flags: string[] } {
  const end = words.indexOf('--');
  const [registry, ...names] = end === -1 ? words : words.slice(0, end);
  if (registry === undefined)
    throw new UsageError('attest needs the registry: hack/images attest registry.example.com -- --key cosign.key');
  return {
    registry,
    names: names.length > 0 ? names : ['tektite', 'entrypoint'],
    flags: end === -1 ? [] : words.slice(end + 1),
  };
}

async function list(builder: Builder, recipes: readonly ImageRecipe[], json: boolean): Promise<void> {
  const rows = [];
  for (const recipe of recipes) {
    const { digest, size, dir } = (await builder.find(recipe)) ?? {};
    rows.push({ name: recipe.name, repositories: recipe.repositories, tags: recipe.tags, digest, size, dir });
  }
  if (json) return console.log(JSON.stringify(rows, null, 2));
  for (const row of rows) {
    const size = row.size === undefined ? 'not built' : megabytes(row.size);
    console.log(`${row.name.padEnd(12)} ${size.padStart(10)}  ${row.repositories.join(', ')}: ${row.tags.join(' ')}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) console.error(`hack/images: ${error.message}\n${USAGE}`);
  else console.error(`hack/images: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
