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

/** Entries of an index, and words of a command, that are looked at. */
const mostEntries = 1_024;
const longestPlatformPart = 64;
const digestForm = /^sha(256|384|512):[0-9a-f]{64,128}$/;

interface Platform {
  os: string;
  architecture: string;
  variant: string;
}

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
    commands: Object.create(null) as Record<string, string[]>,
    defaultArgs: Object.create(null) as Record<string, string[]>,
  };
  const add = async (manifest: unknown) => {
    const config = await readConfig(repository, manifest, signal);
    const { os, architecture, variant } = platformOf(config);
    const platform = [os || 'linux', architecture || 'amd64', variant].filter(Boolean).join('/');
    const { Entrypoint, Cmd } = fieldsOf(config['config']);
    const [entrypoint, cmd] = [wordsOf(Entrypoint), wordsOf(Cmd)];
    result.commands[platform] = entrypoint.length > 0 ? entrypoint : cmd;
    if (entrypoint.length > 0) result.defaultArgs[platform] = cmd;
    if (JSON.stringify(result).length > longestCommands)
      throw unusable(`the commands of the image are larger than ${longestCommands} bytes`);
  };
  const top = fieldsOf(jsonOf(stored.bytes, 'manifest'));
  if (top['manifests'] === undefined) {
    await add(top);
    return result;
  }
  const options = { accept: imageManifestTypes, limit: documentLimit };
  for (const child of platformDigests(top['manifests']))
    await add(jsonOf((await repository.getManifest(child, signal, options)).bytes, 'manifest'));
  return result;
}

/** Digests of the images to read. Attestations hang in indexes as images of an unknown platform. */
function platformDigests(manifests: unknown): string[] {
  const found = new Map<string, string>();
  for (const entry of listOf(manifests, 'index').map(fieldsOf)) {
    const { os, architecture, variant } = platformOf(fieldsOf(entry['platform']));
    const name = `${os}/${architecture}/${variant}`;
    if (nodeSystems.has(os) && !found.has(name)) found.set(name, digestIn(entry, 'index'));
  }
  if (found.size > mostPlatforms)
    throw unusable(`the image is an index of ${found.size} platforms, and at most ${mostPlatforms} are looked at`);
  return [...found.values()];
}

async function readConfig(repository: Repository, manifest: unknown, signal: AbortSignal): Promise<Fields> {
  const digest = digestIn(fieldsOf(fieldsOf(manifest)['config']), 'manifest');
  return fieldsOf(jsonOf(await repository.getBlob(digest, signal, documentLimit), 'config'));
}

type Fields = Readonly<Record<string, unknown>>;

/** An object's fields; of anything else none. */
function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** A list that is not too long to be looked through. */
function listOf(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value) || value.length > mostEntries) throw notOne(what);
  return value;
}

function digestIn(descriptor: Fields, what: string): string {
  const { digest } = descriptor;
  if (typeof digest !== 'string' || !digestForm.test(digest)) throw notOne(what);
  return digest;
}

function platformOf(fields: Fields): Platform {
  const part = (name: string): string => {
    const value = fields[name] ?? '';
    if (typeof value !== 'string' || value.length > longestPlatformPart) throw notOne('config');
    return value;
  };
  return { os: part('os'), architecture: part('architecture'), variant: part('variant') };
}

function wordsOf(value: unknown): string[] {
  const words = listOf(value ?? [], 'config');
  if (!words.every((word) => typeof word === 'string')) throw notOne('config');
  return words;
}

function jsonOf(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unusable(`the image's ${what} is not JSON`); // no cause: its message would quote it
  }
}

function notOne(what: string): RegistryError {
  return unusable(`the image's ${what} is not one of a container image`);
}

function unusable(message: string): RegistryError {
  return new RegistryError(422, message);
}
