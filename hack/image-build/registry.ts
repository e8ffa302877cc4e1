/** Pushes OCI layouts to a registry, the local cluster's or a user's, with src/registry's client. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registries } from '../../src/registry/client.ts';
import { dockerConfigCredentials } from '../../src/registry/docker-config.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { hexOf, type Descriptor } from './oci.ts';

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
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
 * Pushes the layout's first manifest as `name` under every tag. Returns the manifest digest. @throws RegistryError with
 * the registry's answer.
 */
export async function pushOciLayout(
  dir: string,
  destination: Destination,
  name: string,
  tags: readonly string[],
): Promise<string> {
  const descriptor = await manifestDescriptor(dir);
  const body = await readFile(blobPath(dir, descriptor.digest));
  const manifest = JSON.parse(body.toString()) as Manifest;
  const repository = await destination.repository(name);
  for (const { digest } of [...manifest.layers, manifest.config]) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const there = await repository.hasBlob(digest, signal);
    if (!there)
      await repository.pushBlob(await readFile(blobPath(dir, digest)), signal, destination.holders.get(digest));
    destination.holders.set(digest, repository.name);
  }
  for (const tag of tags)
    await repository.putManifest(
      tag,
      { bytes: body, mediaType: descriptor.mediaType },
      AbortSignal.timeout(PATIENCE_MS),
    );
  return descriptor.digest;
}

/** The first manifest that the layout's index names. Throws when the folder is no layout. */
export async function manifestDescriptor(dir: string): Promise<Descriptor> {
  const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
  const descriptor = index.manifests[0];
  if (descriptor === undefined) throw new Error(`${dir}/index.json names no manifest: build the image again`);
  return descriptor;
}

function blobPath(dir: string, digest: string): string {
  return join(dir, 'blobs', 'sha256', hexOf(digest));
}
