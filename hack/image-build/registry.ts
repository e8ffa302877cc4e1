/**
 * Pushes OCI layouts to a registry over the distribution API
 * (https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push). For the local cluster's registry: no credentials.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf, type Descriptor } from './oci.ts';

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A registry to push to, and which repository already holds a blob (so that a shared layer is mounted, not sent again). */
export interface Registry {
  /** `http://host:port` */
  readonly url: string;
  readonly holders: Map<string, string>;
}

/** Accepts `host:port` (plain HTTP: the local cluster's registry) or a URL. Throws on anything else, naming the value. */
export function openRegistry(address: string): Registry {
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
  if (!URL.canParse(url) || new URL(url).pathname !== '/') {
    throw new Error(`registry ${JSON.stringify(address)} is not an address: give host:port or http://host:port`);
  }
  return { url: url.replace(/\/$/, ''), holders: new Map() };
}

/** Pushes the layout's first manifest as `repository` under every tag. Returns the manifest digest. Throws with the registry's answer. */
export async function pushOciLayout(dir: string, registry: Registry, repository: string, tags: readonly string[], signal?: AbortSignal): Promise<string> {
  const descriptor = await manifestDescriptor(dir);
  const body = await readFile(blobPath(dir, descriptor.digest));
  const manifest = JSON.parse(body.toString()) as Manifest;
  for (const blob of [...manifest.layers, manifest.config]) await pushBlob(dir, registry, repository, blob, signal);
  for (const tag of tags) {
    const headers = { 'content-type': descriptor.mediaType };
    await call(registry, `/v2/${repository}/manifests/${tag}`, { method: 'PUT', headers, body, signal }, [201]);
  }
  return descriptor.digest;
}

/** The digest that `repository:tag` has in the registry, or undefined when it has none. */
export async function remoteDigest(registry: Registry, repository: string, tag: string, signal?: AbortSignal): Promise<string | undefined> {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  const response = await call(registry, `/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers, signal }, [200, 404]);
  return response.status === 200 ? (response.headers.get('docker-content-digest') ?? undefined) : undefined;
}

/** The first manifest that the layout's index names. Throws when the folder is no layout. */
export async function manifestDescriptor(dir: string): Promise<Descriptor> {
  const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
  const descriptor = index.manifests[0];
  if (descriptor === undefined) throw new Error(`${dir}/index.json names no manifest: build the image again`);
  return descriptor;
}

async function pushBlob(dir: string, registry: Registry, repository: string, blob: Descriptor, signal?: AbortSignal): Promise<void> {
  const found = await call(registry, `/v2/${repository}/blobs/${blob.digest}`, { method: 'HEAD', signal }, [200, 404]);
  const holder = registry.holders.get(blob.digest);
  if (found.status === 404) {
    const mount = holder === undefined ? '' : `?mount=${blob.digest}&from=${encodeURIComponent(holder)}`;
    const upload = await call(registry, `/v2/${repository}/blobs/uploads/${mount}`, { method: 'POST', signal }, [201, 202]);
    if (upload.status === 202) await sendBlob(dir, registry, upload, blob, signal);
  }
  registry.holders.set(blob.digest, repository);
}

async function sendBlob(dir: string, registry: Registry, upload: Response, blob: Descriptor, signal?: AbortSignal): Promise<void> {
  const location = new URL(upload.headers.get('location') ?? '', registry.url);
  location.searchParams.set('digest', blob.digest);
  const body = await readFile(blobPath(dir, blob.digest));
  const headers = { 'content-type': 'application/octet-stream' };
  await call(registry, `${location.pathname}${location.search}`, { method: 'PUT', headers, body, signal }, [201]);
}

async function call(registry: Registry, path: string, init: RequestInit, expected: readonly number[]): Promise<Response> {
  const method = init.method ?? 'GET';
  let response: Response;
  try {
    response = await fetch(`${registry.url}${path}`, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${method} ${registry.url}${path}: ${cause}. Is the registry running?`, { cause: error });
  }
  if (expected.includes(response.status)) {
    if (method !== 'HEAD') await response.arrayBuffer();
    return response;
  }
  throw new Error(`${method} ${registry.url}${path}: status ${response.status}: ${(await response.text()).slice(0, 500)}`);
}

function blobPath(dir: string, digest: string): string {
  return join(dir, 'blobs', 'sha256', hexOf(digest));
}
