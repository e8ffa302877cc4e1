import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Descriptor, ImageManifest } from '../../registry/media-types.ts';
import { bundleAnnotations } from '../../resolvers/bundles/layout.ts';
import type { BundledObject } from './contents.ts';

/** Media types that tkn's bundles have: Docker's. */
const types = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

export interface BundleImage {
  /** Config and layers, to be stored before the manifest. */
  blobs: readonly Buffer[];
  manifest: Buffer;
  mediaType: string;
}

export interface BundleOptions {
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  created: Date;
}

/**
 * The image of a bundle: a layer for each object, in the order of their contents' hashes, so that the same objects and
 * time make the same image.
 */
export function bundleImage(
  objects: readonly BundledObject[],
  { annotations, labels, created }: BundleOptions,
): BundleImage {
  const sorted = objects.toSorted((left, right) => (sha256(left.json) < sha256(right.json) ? -1 : 1));
  const layers = sorted.map((object) => {
    const archive = tarOf(object.name, Buffer.from(object.json));
    return { object, diffId: `sha256:${sha256(archive)}`, blob: gzipSync(archive) };
  });
  const config = Buffer.from(
    JSON.stringify({
      architecture: '',
      created: created.toISOString().replace(/\.\d+Z$/, 'Z'),
      history: layers.map(() => ({ created: '0001-01-01T00:00:00Z' })),
      os: '',
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      config: Object.keys(labels).length > 0 ? { Labels: labels } : {},
    }),
  );
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(types.config, config),
    layers: layers.map(({ blob, object }) => ({
      ...describe(types.layer, blob),
      annotations: {
        [bundleAnnotations.apiVersion]: object.version,
        [bundleAnnotations.kind]: object.kind.toLowerCase(),
        [bundleAnnotations.name]: object.name,
      },
    })),
    ...(Object.keys(annotations).length > 0 ? { annotations: { ...annotations } } : {}),
  };
  return {
    blobs: [config, ...layers.map(({ blob }) => blob)],
    manifest: Buffer.from(JSON.stringify(manifest)),
    mediaType: types.manifest,
  };
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

const blockSize = 512;

/** A tar archive of one file (POSIX ustar). Readers take the first file, so that a name may be cut to its field. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(blockSize);
  header.write(name.slice(0, 100), 0, 'latin1');
  const octal = (value: number, at: number, digits: number) =>
    header.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(content.length, 124, 11);
  octal(0, 136, 11);
  header.write('        0', 148, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  header.write('\0 ', 154, 'latin1');
  const padding = Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize);
  return Buffer.concat([header, content, padding, Buffer.alloc(2 * blockSize)]);
}
