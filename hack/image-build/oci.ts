/**
 * Writes images as OCI image layouts (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) without a
 * container engine. The same input gives the same digest: see tar.ts for what makes a layer reproducible.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, readFile, readdir, readlink, lstat, rename, rm, writeFile, copyFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { readTar, writeTar, type TarEntry } from './tar.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
  readonly annotations?: Record<string, string>;
}

/**
 * A layer that was compressed before: its blob file, and the digest of the archive inside (an image config names that
 * one).
 */
export interface StoredLayer {
  readonly blob: string;
  readonly digest: string;
  readonly size: number;
  readonly diffId: string;
}

/**
 * Where a layer's files come from: tar entries, a tar archive (bytes or a path), a folder, or a layer made by
 * `storeLayer`.
 */
export type LayerSource =
  | { readonly entries: readonly TarEntry[] }
  | { readonly tar: Buffer | string }
  | { readonly dir: string }
  | { readonly stored: StoredLayer };

export interface ContainerConfig {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface OciImage {
  readonly layers: readonly LayerSource[];
  readonly config: ContainerConfig;
  /** Full references this layout is imported as, e.g. `docker.io/library/busybox:1.36` (annotations of its index). */
  readonly names: readonly string[];
  /** `amd64` unless told; always Linux. */
  readonly architecture?: string;
}

export interface WrittenImage {
  /** Digest of the manifest: what `image@sha256:...` names. */
  readonly digest: string;
  /** Compressed bytes of config and layers: what a node pulls. */
  readonly size: number;
}

/**
 * Writes `image` as an OCI layout into `dir` (made, and emptied of an older layout). Blobs of stored layers are
 * hard-linked.
 */
export async function writeOciImage(image: OciImage, dir: string): Promise<WrittenImage> {
  const blobs = join(dir, 'blobs', 'sha256');
  await rm(dir, { recursive: true, force: true });
  await mkdir(blobs, { recursive: true });
  const layers: StoredLayer[] = [];
  for (const source of image.layers) layers.push(await placeLayer(source, blobs));
  const config = jsonBlob(configOf(image, layers), CONFIG_TYPE);
  const manifest = jsonBlob(
    {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: config.descriptor,
      layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
    },
    MANIFEST_TYPE,
  );
  for (const { descriptor, body } of [config, manifest]) await writeFile(join(blobs, hexOf(descriptor.digest)), body);
  await writeEntry(dir, manifest.descriptor, image.names);
  return {
    digest: manifest.descriptor.digest,
    size: layers.reduce((total, layer) => total + layer.size, config.body.length),
  };
}

/** One image for several processors, as it was written for each: their blobs and an index that names each manifest. */
export async function writeOciIndex(
  images: readonly { readonly dir: string; readonly architecture: string }[],
  names: readonly string[],
  dir: string,
): Promise<WrittenImage> {
  const blobs = join(dir, 'blobs', 'sha256');
  await rm(dir, { recursive: true, force: true });
  await mkdir(blobs, { recursive: true });
  const manifests: Descriptor[] = [];
  for (const { dir: from, architecture } of images) {
    for (const name of await readdir(join(from, 'blobs', 'sha256')))
      await linkOrCopy(join(from, 'blobs', 'sha256', name), join(blobs, name));
    const { mediaType, digest, size } = await manifestDescriptor(from);
    manifests.push({ mediaType, digest, size, platform: { architecture, os: 'linux' } });
  }
  const index = jsonBlob({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }, INDEX_TYPE);
  await writeFile(join(blobs, hexOf(index.descriptor.digest)), index.body);
  await writeEntry(dir, index.descriptor, names);
  return { digest: index.descriptor.digest, size: index.body.length };
}

/** The first manifest, or index of several, that the layout's own index names. Throws when the folder is no layout. */
export async function manifestDescriptor(dir: string): Promise<Descriptor> {
  const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
  const descriptor = index.manifests[0];
  if (descriptor === undefined) throw new Error(`${dir}/index.json names no manifest: build the image again`);
  return descriptor;
}

/** What makes a folder of blobs a layout, whose only content has these names. */
async function writeEntry(dir: string, descriptor: Descriptor, names: readonly string[]): Promise<void> {
  const manifests = (names.length === 0 ? [undefined] : names).map((name) => ({
    ...descriptor,
    ...(name === undefined ? {} : { annotations: nameAnnotations(name) }),
  }));
  await writeFile(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
}

/** Compresses a layer once into `dir`, for images that share it. */
export async function storeLayer(source: LayerSource, dir: string): Promise<StoredLayer> {
  if ('stored' in source) return source.stored;
  const tar = await tarOf(source);
  const body = await promisify(gzip)(tar, { level: 6 });
  const digest = digestOf(body);
  const blob = join(dir, hexOf(digest));
  await mkdir(dir, { recursive: true });
  // Two builds may store the same layer at once: no one must see half of it.
  const partial = `${blob}.${process.pid}`;
  await writeFile(partial, body);
  await rename(partial, blob);
  return { blob, digest, size: body.length, diffId: digestOf(tar) };
}

/** The tar entries of a folder, relative to it, all owned by root. Sockets and devices are an error naming the path. */
export async function entriesOfFolder(dir: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for (const item of await readdir(dir, { recursive: true })) {
    const path = relative(dir, join(dir, item));
    const stat = await lstat(join(dir, item));
    const common = { path, mode: stat.mode & 0o7777, uid: 0, gid: 0 };
    if (stat.isDirectory()) entries.push({ ...common, type: 'directory' });
    else if (stat.isSymbolicLink())
      entries.push({ ...common, type: 'symlink', mode: 0o777, target: await readlink(join(dir, item)) });
    else if (stat.isFile()) entries.push({ ...common, type: 'file', body: await readFile(join(dir, item)) });
    else
      throw new Error(
        `${join(dir, item)} is neither a file, a folder nor a symbolic link: it cannot be put in an image`,
      );
  }
  return entries;
}

async function placeLayer(source: LayerSource, blobs: string): Promise<StoredLayer> {
  if (!('stored' in source)) return storeLayer(source, blobs);
  const blob = join(blobs, hexOf(source.stored.digest));
  await linkOrCopy(source.stored.blob, blob);
  return source.stored;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return;
    if (error.code !== 'EXDEV' && error.code !== 'EPERM') throw error;
    await copyFile(from, to);
  });
}

async function tarOf(source: Exclude<LayerSource, { stored: StoredLayer }>): Promise<Buffer> {
  if ('entries' in source) return writeTar(source.entries);
  if ('dir' in source) return writeTar(await entriesOfFolder(source.dir));
  return writeTar(await readTar(typeof source.tar === 'string' ? await readFile(source.tar) : source.tar));
}

function configOf(image: OciImage, layers: readonly StoredLayer[]): unknown {
  const { entrypoint, cmd, env, user, workingDir, labels } = image.config;
  return {
    created: '1970-01-01T00:00:00Z',
    architecture: image.architecture ?? 'amd64',
    os: 'linux',
    config: { User: user, Env: env, Entrypoint: entrypoint, Cmd: cmd, WorkingDir: workingDir, Labels: labels },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'tektite hack/images' })),
  };
}

/** containerd reads the first, skopeo and buildah the second. */
function nameAnnotations(name: string): Record<string, string> {
  return { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
}

function jsonBlob(value: unknown, mediaType: string): { descriptor: Descriptor; body: Buffer } {
  const body = Buffer.from(JSON.stringify(value));
  return { descriptor: { mediaType, digest: digestOf(body), size: body.length }, body };
}

function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}
