import { z } from 'zod';
import type { ImageConfig } from '../core/pod/image.ts';
import { imageManifestTypes } from '../registry/media-types.ts';
import { RegistryError } from '../registry/registry-error.ts';
import type { Repository, StoredManifest } from '../registry/repository.ts';

/** Bytes of a manifest, an index or an image's config that are read; real ones have a few thousand. */
export const documentLimit = 1024 * 1024;
/** Platforms of an index that are read. */
export const mostPlatforms = 32;
/** Bytes of all platforms' commands: they become environment variables, which Linux takes up to 128 KiB of. */
const longestCommands = 64 * 1024;
/** Operating systems that nodes run. */
const nodeSystems = new Set(['linux', 'windows']);

const digest = z.string().regex(/^sha(256|384|512):[0-9a-f]{64,128}$/);
const platformPart = z.string().max(64);
const platformSchema = z.object({
  os: platformPart,
  architecture: platformPart,
  variant: platformPart.nullish(),
});
const indexSchema = z.object({
  manifests: z.array(z.object({ digest, platform: platformSchema.nullish().catch(undefined) })),
});
const manifestSchema = z.object({ config: z.object({ digest }) });
const words = z.array(z.string()).nullish();
const configSchema = z.object({
  os: platformPart.nullish(),
  architecture: platformPart.nullish(),
  variant: platformPart.nullish(),
  config: z.object({ Entrypoint: words, Cmd: words }).nullish(),
});

/**
 * What an image runs by itself, by platform. An index's platforms are read one after another, each once, and only those
 * that nodes run. All content is checked against its digest.
 * @param stored the manifest or index that the reference names
 * @throws RegistryError, final when the image is not one that can be run.
 */
export async function readImageConfig(
  repository: Repository,
  stored: StoredManifest,
  signal: AbortSignal,
): Promise<ImageConfig> {
  const result: ImageConfig & { defaultArgs: Record<string, string[]> } = {
    digest: stored.digest,
    commands: {},
    defaultArgs: {},
  };
  const add = async (manifest: unknown) => {
    const config = await readConfig(repository, manifest, signal);
    const platform = [config.os || 'linux', config.architecture || 'amd64', config.variant].filter(Boolean).join('/');
    const entrypoint = config.config?.Entrypoint ?? [];
    const cmd = config.config?.Cmd ?? [];
    result.commands[platform] = entrypoint.length > 0 ? entrypoint : cmd;
    if (entrypoint.length > 0) result.defaultArgs[platform] = cmd;
    if (JSON.stringify(result).length > longestCommands)
      throw unusable(`the commands of the image are larger than ${longestCommands} bytes`);
  };
  const top = jsonOf(stored.bytes, 'manifest');
  if (!isIndex(top)) {
    await add(top);
    return result;
  }
  const options = { accept: imageManifestTypes, limit: documentLimit };
  for (const child of platformsOf(top))
    await add(jsonOf((await repository.getManifest(child, signal, options)).bytes, 'manifest'));
  return result;
}

function isIndex(manifest: unknown): boolean {
  return typeof manifest === 'object' && manifest !== null && 'manifests' in manifest;
}

/** Digests of the images to read. Attestations hang in indexes as images of an unknown platform. */
function platformsOf(index: unknown): string[] {
  const { manifests } = checked(indexSchema, index, 'index');
  const found = new Map<string, string>();
  for (const { digest: child, platform } of manifests) {
    if (!platform || !nodeSystems.has(platform.os)) continue;
    const name = `${platform.os}/${platform.architecture}/${platform.variant ?? ''}`;
    if (!found.has(name)) found.set(name, child);
  }
  if (found.size > mostPlatforms)
    throw unusable(`the image is an index of ${found.size} platforms, and at most ${mostPlatforms} are looked at`);
  return [...found.values()];
}

async function readConfig(
  repository: Repository,
  manifest: unknown,
  signal: AbortSignal,
): Promise<z.infer<typeof configSchema>> {
  const { config } = checked(manifestSchema, manifest, 'manifest');
  return checked(
    configSchema,
    jsonOf(await repository.getBlob(config.digest, signal, documentLimit), 'config'),
    'config',
  );
}

function jsonOf(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unusable(`the image's ${what} is not JSON`); // no cause: its message would quote it
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const { success, data } = schema.safeParse(value);
  if (!success) throw unusable(`the image's ${what} is not one of a container image`);
  return data;
}

function unusable(message: string): RegistryError {
  return new RegistryError(422, message);
}
