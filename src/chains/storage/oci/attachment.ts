import { messageOf } from '../../../errors.ts';
import { digestOf } from '../../../registry/digest.ts';
import {
  imageManifestTypes,
  ociConfigType,
  ociManifestType,
  type Descriptor,
  type ImageManifest,
} from '../../../registry/media-types.ts';
import { missing, type Repository, type StoredManifest } from '../../../registry/repository.ts';
import { updateTag, type PlannedManifest, type TagUpdateOptions } from '../../../registry/tag-update.ts';
import type { AttachedLayer, Likeness } from './layer.ts';

/** cosign refuses to read more. */
export const mostLayers = 1000;
/** Registries refuse larger manifests (distribution: 4 MiB). */
export const largestManifest = 4 * 1024 * 1024;

/** An attachment that cannot be written, whoever tries again. */
export class AttachmentError extends Error {
  override name = 'AttachmentError';
}

/** Where layers are added. */
export interface Attachment {
  repository: Repository;
  tag: string;
}

/** What is added there. */
export interface Addition {
  layer: AttachedLayer;
  /** How like it a layer is that is there. */
  compare: (found: Descriptor) => Promise<Likeness>;
}

/** The rest of an image's config as go-containerregistry writes that of an empty image: cosign reads it as an image. */
const emptyConfig = {
  architecture: '',
  created: '0001-01-01T00:00:00Z',
  history: [],
  os: '',
  rootfs: { type: 'layers', diff_ids: [] },
  config: {},
};

interface ImageConfig {
  history?: unknown[];
  rootfs?: { type: string; diff_ids: string[] };
  [field: string]: unknown;
}

/** The tag under which cosign looks for what is attached to an image: `sha256-<hex>.att`. */
export function attachmentTag(digest: string, suffix: AttachedLayer['suffix']): string {
  return `${digest.replace(':', '-')}.${suffix}`;
}

/**
 * Adds a layer under a tag and keeps all that is there. A layer that `compare` calls the same is not added again; one
 * that is poorer is replaced where it stands.
 * @returns whether anything was written
 * @throws AttachmentError when the tag is full or holds something else; RegistryError.
 */
export function attachLayer(
  { repository, tag }: Attachment,
  { layer, compare }: Addition,
  options: TagUpdateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const added: Descriptor = {
    mediaType: layer.mediaType,
    size: layer.blob.length,
    digest: digestOf(layer.blob),
    annotations: layer.annotations,
  };
  const where = `${repository.fullName}:${tag}`;
  let pushed: Promise<string> | undefined;
  const plan = async (current: StoredManifest | undefined): Promise<PlannedManifest> => {
    const manifest = current && parseManifest(current, where);
    const layers = await mergeLayers(manifest?.layers ?? [], added, compare);
    if (layers === undefined) return undefined;
    checkCount(layers, where);
    const before = manifest && (await readConfig(repository, manifest, signal));
    const config = Buffer.from(JSON.stringify(configFor(before, layers)));
    const next = manifestFor(manifest, layers, config);
    checkSize(next, where);
    pushed ??= repository.pushBlob(layer.blob, signal);
    await Promise.all([pushed, repository.pushBlob(config, signal)]);
    return { bytes: next, mediaType: manifest?.mediaType ?? ociManifestType };
  };
  return updateTag({ repository, tag, plan }, options, signal);
}

function checkCount({ length }: Descriptor[], where: string): void {
  if (length > mostLayers)
    throw new AttachmentError(
      `${where} holds ${mostLayers} layers, and cosign reads no more: move new ones to another repository (storage.oci.repository), or clear old ones (cosign clean)`,
    );
}

function checkSize({ length }: Buffer, where: string): void {
  if (length > largestManifest)
    throw new AttachmentError(
      `${where} would have a manifest of ${length} bytes, and registries take ${largestManifest}: move new attestations to another repository (storage.oci.repository)`,
    );
}

async function mergeLayers(
  found: Descriptor[],
  added: Descriptor,
  compare: Addition['compare'],
): Promise<Descriptor[] | undefined> {
  for (const [index, descriptor] of found.entries()) {
    const likeness = await compare(descriptor);
    if (likeness === 'same') return undefined;
    if (likeness === 'poorer') return found.with(index, added);
  }
  return [...found, added];
}

function manifestFor(before: ImageManifest | undefined, layers: Descriptor[], config: Buffer): Buffer {
  const mediaType = before?.config.mediaType ?? ociConfigType;
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: ociManifestType,
    ...before,
    config: { mediaType, size: config.length, digest: digestOf(config) },
    layers,
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** A layer's diff id is its digest: attachments are not compressed. */
function configFor(before: ImageConfig | undefined, layers: Descriptor[]): ImageConfig {
  const config = before ?? emptyConfig;
  const history = layers.map((_, index) => config.history?.[index] ?? { created: emptyConfig.created });
  return { ...config, history, rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) } };
}

/** A config that is gone or unreadable is made anew: all it says of use are the diff ids. */
async function readConfig(
  repository: Repository,
  manifest: ImageManifest,
  signal: AbortSignal,
): Promise<ImageConfig | undefined> {
  const bytes = await repository.getBlob(manifest.config.digest, signal).catch(missing);
  try {
    const parsed: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return typeof parsed === 'object' && parsed !== null ? (parsed as ImageConfig) : undefined;
  } catch {
    return undefined;
  }
}

function parseManifest(stored: StoredManifest, where: string): ImageManifest {
  let manifest: Partial<ImageManifest>;
  try {
    manifest = JSON.parse(stored.bytes.toString('utf8')) as Partial<ImageManifest>;
  } catch (error) {
    throw new AttachmentError(`${where} holds what is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const type = manifest.mediaType ?? stored.mediaType;
  if (
    !(imageManifestTypes as readonly string[]).includes(type) ||
    !Array.isArray(manifest.layers) ||
    typeof manifest.config?.digest !== 'string'
  ) {
    throw new AttachmentError(
      `${where} holds ${type || 'something unknown'}, not an image manifest as cosign writes it; delete the tag, or set storage.oci.repository`,
    );
  }
  return manifest as ImageManifest;
}
