import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestDescriptor } from '../image-build/oci.ts';
import { openRegistry, pushOciLayout } from '../image-build/registry.ts';
import { tool } from './binaries.ts';
import { command } from '../command.ts';
import type { Instance } from './instance.ts';
import { inNamespace } from './network.ts';
import { containerdSocket } from './parts/containerd.ts';
import { registryUrl } from './parts/registry.ts';
import { statePath } from './instance.ts';

/**
 * An image's full name, taken apart. The cluster's registry knows it by repository and tag: every host is mirrored to
 * it.
 */
export interface ImageName {
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
}

/** A first word with a dot or a port, or `localhost`, is a host; what follows are the repository's words. */
const NAME =
  /^(?:(localhost(?::\d+)?|[\w-]+(?:\.[\w-]+)*:\d+|[\w-]+(?:\.[\w-]+)+)\/)?([a-z0-9._-]+(?:\/[a-z0-9._-]+)*)(?::(\w[\w.-]{0,127}))?$/;

/**
 * Reads `docker.io/library/x:tag` and its short forms (`x`, `me/x:tag`). Throws when it names a digest: such an image
 * cannot be stood in for.
 */
export function parseImageName(text: string): ImageName {
  const match = NAME.exec(text);
  if (match === null) throw new Error(`image name ${JSON.stringify(text)}: give HOST/REPOSITORY:TAG, without a digest`);
  const [, host = 'docker.io', repository = '', tag = 'latest'] = match;
  return { host, repository: officialName(host, repository), tag };
}

/**
 * Pushes an image into the cluster's registry and returns its full name. `path` is an OCI layout (folder or tar) or a
 * `docker save` tar; `as` names it, or else the name that the layout carries. `pull` also unpacks it on the node, so
 * that its first pod does not wait.
 */
export async function loadImage(
  instance: Instance,
  path: string,
  { as, pull = false }: { as?: string; pull?: boolean } = {},
): Promise<string> {
  if (instance.mode !== 'full')
    throw new Error(`cluster ${instance.name} is a control plane alone: it has no node to load images on`);
  const unpacked = (await stat(path)).isDirectory() ? undefined : await mkdtemp(join(tmpdir(), 'image-'));
  try {
    if (unpacked !== undefined) await command(['tar', '-xf', path, '-C', unpacked]);
    const folder = unpacked ?? path;
    const image = parseImageName(as ?? (await nameInside(folder)));
    await push(instance, folder, path, image);
    const name = `${image.host}/${image.repository}:${image.tag}`;
    if (pull) await pullOnNode(instance, name);
    return name;
  } finally {
    if (unpacked !== undefined) await rm(unpacked, { recursive: true, force: true });
  }
}

async function push(
  instance: Instance,
  folder: string,
  original: string,
  { repository, tag }: ImageName,
): Promise<void> {
  if (existsSync(join(folder, 'index.json'))) {
    const registry = openRegistry(registryUrl(instance));
    try {
      await pushOciLayout(folder, registry, repository, [tag]);
    } finally {
      await registry.close();
    }
    return;
  }
  if (!existsSync(join(folder, 'manifest.json')))
    throw new Error(`${original} is neither an OCI layout nor a "docker save" archive`);
  const image = `${instance.address}:5000/${repository}:${tag}`;
  await command([await tool('crane'), 'push', '--insecure', original, image]);
}

/** Pulled through the mirror as kubelet would; the label makes the runtime's image store see it. */
async function pullOnNode(instance: Instance, name: string): Promise<void> {
  const ctr = [await tool('ctr'), '--address', containerdSocket(instance), '--namespace', 'k8s.io', 'images', 'pull'];
  const hosts = [
    '--hosts-dir',
    statePath(instance.name, 'containerd', 'certs.d'),
    '--label',
    'io.cri-containerd.image=managed',
    name,
  ];
  await command(inNamespace(instance, [...ctr, ...hosts]));
}

async function nameInside(folder: string): Promise<string> {
  const saved = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined);
  if (saved !== undefined) {
    const name = (JSON.parse(saved) as { RepoTags?: string[] }[])[0]?.RepoTags?.[0];
    if (name !== undefined) return name;
  }
  const { annotations = {} } = await manifestDescriptor(folder);
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  if (name === undefined) throw new Error(`${folder} carries no image name: give one with --as HOST/REPOSITORY:TAG`);
  return name;
}

/** Docker Hub's one-word names live below `library`. */
function officialName(host: string, repository: string): string {
  return host === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository;
}
