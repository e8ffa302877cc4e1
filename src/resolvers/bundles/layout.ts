import { gunzipSync } from 'node:zlib';
import type { Descriptor, ImageManifest } from '../../registry/media-types.ts';
import { ResolutionError, largestDefinition } from '../resolver.ts';

/** Annotations of layers in a bundle (tekton-bundle-contracts.md). */
export const bundleAnnotations = {
  kind: 'dev.tekton.image.kind',
  name: 'dev.tekton.image.name',
  apiVersion: 'dev.tekton.image.apiVersion',
} as const;

/** Upstream's limit. */
export const mostObjects = 20;
const blockSize = 512;
/** A tar archive around the largest definition. */
export const largestLayer = largestDefinition + 4 * blockSize;

/** The layer with a kind and name. @throws ResolutionError for an image that is no bundle, or without it. */
export function layerOf(manifest: ImageManifest, bundle: string, kind: string, name: string): Descriptor {
  const layers = layersOf(manifest, bundle);
  const found = layers.find(
    ({ annotations }) =>
      annotations?.[bundleAnnotations.kind]?.toLowerCase() === kind.toLowerCase() &&
      annotations[bundleAnnotations.name] === name,
  );
  if (found !== undefined) return found;
  const names = layers.map(
    ({ annotations }) => `${annotations?.[bundleAnnotations.kind]} ${annotations?.[bundleAnnotations.name]}`,
  );
  throw new ResolutionError(
    `could not find object in image with kind: ${kind} and name: ${name}; bundle ${bundle} has ${names.join(', ').slice(0, 500) || 'nothing'}`,
  );
}

/** The layers of a bundle, each an object. @throws ResolutionError for an image that is none. */
export function layersOf(manifest: Partial<ImageManifest> | null, bundle: string): readonly Descriptor[] {
  const given = manifest?.layers;
  const layers = Array.isArray(given) ? given : [];
  const problem = problemOf(layers);
  if (problem !== undefined) throw new ResolutionError(`invalid tekton bundle ${bundle}, error: ${problem}`);
  return layers;
}

function problemOf(layers: readonly Descriptor[]): string | undefined {
  if (layers.length > mostObjects) return `contained more than the maximum ${mostObjects} allow objects`;
  for (const [index, { annotations }] of layers.entries()) {
    const missing = [bundleAnnotations.apiVersion, bundleAnnotations.name, bundleAnnotations.kind].find(
      (key) => annotations?.[key] === undefined,
    );
    if (missing !== undefined) return `the layer ${index} does not contain a ${missing} annotation`;
    const kind = annotations?.[bundleAnnotations.kind] ?? '';
    if (kind.toLowerCase().replace(/s$/, '') !== kind)
      return `the layer ${index} the annotation ${bundleAnnotations.kind} must be lowercased and singular, found ${kind}`;
  }
  return undefined;
}

/** The definition in a layer: the first file of a tar archive, with or without gzip; or the layer as it is. */
export function definitionIn(layer: Buffer, bundle: string): Buffer {
  const unpacked = layer[0] === 0x1f && layer[1] === 0x8b ? gunzip(layer, bundle) : layer;
  return firstFile(unpacked) ?? unpacked;
}

function gunzip(layer: Buffer, bundle: string): Buffer {
  try {
    return gunzipSync(layer, { maxOutputLength: largestLayer });
  } catch (cause) {
    throw new ResolutionError(
      `failed to read image layer of ${bundle}: it is damaged, or unpacks to more than ${largestDefinition} bytes`,
      { cause },
    );
  }
}

/** Undefined when this is no tar archive. */
function firstFile(archive: Buffer): Buffer | undefined {
  if (archive.length < blockSize || !/^ustar/.test(archive.toString('latin1', 257, 263))) return undefined;
  const size = Number.parseInt(archive.toString('latin1', 124, 136), 8);
  if (!(size >= 0) || blockSize + size > archive.length) return undefined;
  return archive.subarray(blockSize, blockSize + size);
}
