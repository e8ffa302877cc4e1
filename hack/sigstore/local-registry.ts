/** A registry on loopback with its content in a folder, and images small enough to push in one go. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tools } from '../one-node/binaries.ts';
import { answers, freePorts, startService, type Supervision } from './services.ts';

/**
 * `distribution` is the widely used server, which has no referrers API: clients keep an index under a tag instead.
 * `referrers` is go-containerregistry's, in memory, which has one.
 */
export type RegistryKind = 'distribution' | 'referrers';

/** Starts one. Returns `127.0.0.1:port`. */
export async function startRegistry(kind: RegistryKind, supervision: Supervision): Promise<string> {
  const [program] = await tools([kind === 'distribution' ? 'registry' : 'referrers-registry']);
  const [port] = await freePorts('127.0.0.1', 1);
  const host = `127.0.0.1:${port}`;
  const folder = path.join(supervision.folder, `registry-${port}`);
  await mkdir(folder, { recursive: true });
  const config = path.join(folder, 'config.json');
  const storage = { filesystem: { rootdirectory: folder }, delete: { enabled: true } };
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'warn', accesslog: { disabled: true } },
      storage,
      http: { addr: host },
    }),
  );
  const argv =
    kind === 'distribution' ? [program as string, 'serve', config] : [program as string, `--address=${host}`];
  const env = { OTEL_TRACES_EXPORTER: 'none' };
  await startService(
    { name: `registry-${kind}-${port}`, argv, env, healthy: answers(`http://${host}/v2/`) },
    supervision,
  );
  return host;
}

export interface Pushed {
  /** `host/repository@sha256:…` */
  readonly reference: string;
  readonly digest: string;
}

/** Pushes an image of one tiny layer, whose content (and so the digest) follows from `seed`. */
export async function pushTinyImage(host: string, repository: string, seed: string): Promise<Pushed> {
  const layer = Buffer.from(`tektite test layer ${seed}`);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  for (const blob of [layer, config]) await pushBlob(host, repository, blob);
  const descriptor = (mediaType: string, blob: Buffer): object => ({
    mediaType,
    digest: digestOf(blob),
    size: blob.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
    }),
  );
  const digest = digestOf(manifest);
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  await expectStatus(
    await fetch(`http://${host}/v2/${repository}/manifests/${digest}`, { method: 'PUT', headers, body: manifest }),
    201,
  );
  return { reference: `${host}/${repository}@${digest}`, digest };
}

/** Uploads a blob. */
export async function pushBlob(host: string, repository: string, blob: Buffer): Promise<void> {
  const begun = await expectStatus(
    await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' }),
    202,
  );
  const target = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  target.searchParams.set('digest', digestOf(blob));
  await expectStatus(
    await fetch(target, { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: blob }),
    201,
  );
}

/** A manifest or blob as the registry has it: undefined when it has none. */
export async function fetchContent(
  host: string,
  repository: string,
  kind: 'manifests' | 'blobs' | 'referrers',
  name: string,
): Promise<Buffer | undefined> {
  const accept = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.index.v1+json', '*/*'].join(
    ', ',
  );
  const response = await fetch(`http://${host}/v2/${repository}/${kind}/${name}`, { headers: { accept } });
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`GET ${response.url}: ${response.status} ${body.toString()}`);
  return body;
}

/** Every tag of a repository. */
export async function tagsOf(host: string, repository: string): Promise<string[]> {
  const response = await fetch(`http://${host}/v2/${repository}/tags/list`);
  if (response.status === 404) return [];
  return (((await response.json()) as { tags: string[] | null }).tags ?? []).sort();
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status === status) return response;
  throw new Error(`${response.url}: status ${response.status}, not ${status}: ${await response.text()}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
