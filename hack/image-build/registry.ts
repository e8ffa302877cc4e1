/** Pushes OCI layouts to a registry, the local cluster's or a user's, with src/registry's client. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registries } from '../../src/registry/client.ts';
import { dockerConfigCredentials } from '../../src/registry/docker-config.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { hexOf, INDEX_TYPE, manifestDescriptor, type Descriptor } from './oci.ts';

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Index {
  readonly manifests: readonly Descriptor[];
}

/** A place that images are pushed to. */
export interface Destination {
  /** `HOST[:PORT][/PREFIX]` */
  readonly address: string;
  /** The repository of this name, below the prefix that the address gave. */
  repository(name: string): Promise<Repository>;
  /** Which repository already holds a blob, so that a shared layer is mounted and not sent again. */
  readonly holders: Map<string, string>;
  close(): Promise<void>;
}

const ADDRESS = /^(?:(https?):\/\/)?([\w.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)((?:\/[a-z0-9._-]+)*)\/?$/;
/** For one request; a large layer takes its time. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Accepts `HOST[:PORT][/PREFIX]`, or a URL: `http://` for a registry without TLS (this machine's and those at private
 * addresses are found out). Credentials are those that `docker login` left.
 * @throws naming the address, when it is none.
 */
export function openRegistry(address: string): Destination {
  const [, scheme, host = '', prefix = ''] = ADDRESS.exec(address) ?? [];
  if (host === '')
    throw new Error(`registry ${JSON.stringify(address)} is not an address: give HOST[:PORT][/PREFIX] or a URL`);
  const registries = new Registries(scheme === undefined ? {} : { mirrors: { [host]: `${scheme}://${host}` } });
  return {
    address: `${host}${prefix}`,
    holders: new Map(),
    async repository(name) {
      const full = `${prefix.slice(1)}/${name}`.replace(/^\//, '');
      const credentials = await dockerConfigCredentials(host, full, AbortSignal.timeout(PATIENCE_MS));
      return registries.repository(host, full, { access: 'push', credentials });
    },
    close: () => registries.close(),
  };
}

/**
 * Pushes the layout's first manifest, or index of several with all that it names, as `name` under every tag. Returns
 * its digest. @throws RegistryError with the registry's answer.
 */
export async function pushOciLayout(
  dir: string,
  destination: Destination,
  name: string,
  tags: readonly string[],
): Promise<string> {
  const repository = await destination.repository(name);
  const descriptor = await manifestDescriptor(dir);
  const body = await readFile(blobPath(dir, descriptor.digest));
  if (descriptor.mediaType === INDEX_TYPE)
    for (const each of (JSON.parse(body.toString()) as Index).manifests) {
      const manifest = await readFile(blobPath(dir, each.digest));
      await pushBlobs(dir, destination, repository, manifest);
      await putManifest(repository, each.digest, { bytes: manifest, mediaType: each.mediaType });
    }
  else await pushBlobs(dir, destination, repository, body);
  for (const tag of tags) await putManifest(repository, tag, { bytes: body, mediaType: descriptor.mediaType });
  return descriptor.digest;
}

async function pushBlobs(
  dir: string,
  { holders }: Destination,
  repository: Repository,
  manifest: Buffer,
): Promise<void> {
  const { config, layers } = JSON.parse(manifest.toString()) as Manifest;
  for (const { digest } of [...layers, config]) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const there = await repository.hasBlob(digest, signal);
    if (!there) await repository.pushBlob(await readFile(blobPath(dir, digest)), signal, holders.get(digest));
    holders.set(digest, repository.name);
  }
}

function putManifest(
  repository: Repository,
  reference: string,
  manifest: Parameters<Repository['putManifest']>[1],
): Promise<unknown> {
  return repository.putManifest(reference, manifest, AbortSignal.timeout(PATIENCE_MS));
}

function blobPath(dir: string, digest: string): string {
  return join(dir, 'blobs', 'sha256', hexOf(digest));
}
