import type { ImageConfig, ImageCredentials, ImageLookup } from '../core/pod/image.ts';
import { messageOf } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/client.ts';
import { secrets, serviceAccounts } from '../kube/resources.ts';
import { RepositoryReader, registryUrl, type RegistryMirrors } from './client.ts';
import { credentialsFor, keychainOfSecret, type Keychain } from './keychain.ts';
import { parseImageReference, type ImageReference } from './reference.ts';

const manifestTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];

interface Descriptor {
  digest: string;
  platform?: { os: string; architecture: string; variant?: string };
}

interface Manifest {
  mediaType?: string;
  manifests?: Descriptor[];
  config?: Descriptor;
}

interface ConfigBlob {
  os?: string;
  architecture?: string;
  variant?: string;
  config?: { Entrypoint?: string[] | null; Cmd?: string[] | null };
}

export interface ImageLookupOptions {
  client: Pick<KubeClient, 'get'>;
  mirrors?: RegistryMirrors;
  /** Images remembered by digest; upstream keeps 1024. */
  remember?: number;
}

/**
 * Looks up what an image runs by itself, for steps without a command: digest, and argv by platform. Credentials come
 * from the ServiceAccount's imagePullSecrets and the pod's own. Answers are remembered by digest; a tag is asked anew
 * each time, as it may move. Concurrent questions after the same digest are asked once.
 */
export function createImageLookup(options: ImageLookupOptions): ImageLookup {
  const remembered = new Map<string, Promise<ImageConfig>>();
  const most = options.remember ?? 1024;
  return async (image, asker, signal) => {
    const reference = parseImageReference(image);
    const keychains = await keychainsOf(options.client, asker, signal);
    const base = registryUrl(reference.host, options.mirrors);
    const reader = new RepositoryReader(base, reference.repository, credentialsFor(keychains, reference.host, reference.repository));
    const { manifest, digest } = await readManifest(reader, reference, signal);
    // The key holds the credentials' reach: what one namespace may read is not answered to another.
    const key = `${asker.namespace}/${asker.serviceAccountName} ${reference.host}/${reference.repository}@${digest}`;
    const known = remembered.get(key);
    if (known) return known;
    const reading = readCommands(reader, manifest, digest, signal);
    remembered.set(key, reading);
    reading.catch(() => remembered.delete(key));
    if (remembered.size > most) remembered.delete(remembered.keys().next().value as string);
    return reading;
  };
}

async function readManifest(reader: RepositoryReader, reference: ImageReference, signal: AbortSignal): Promise<{ manifest: Manifest; digest: string }> {
  const response = await reader.get(`manifests/${reference.reference}`, [...indexTypes, ...manifestTypes], signal);
  const manifest = (await response.json()) as Manifest;
  const digest = reference.digest ?? response.headers.get('docker-content-digest');
  if (!digest) throw new Error(`the registry of ${reference.host}/${reference.repository} does not say the digest of ${reference.reference}`);
  return { manifest, digest };
}

async function readCommands(reader: RepositoryReader, manifest: Manifest, digest: string, signal: AbortSignal): Promise<ImageConfig> {
  const manifests = manifest.manifests
    ? await Promise.all(
        // Attestations hang in indexes as images of an unknown platform.
        manifest.manifests
          .filter((entry) => entry.platform !== undefined && entry.platform.os !== 'unknown')
          .map(async (entry) => (await (await reader.get(`manifests/${entry.digest}`, manifestTypes, signal)).json()) as Manifest),
      )
    : [manifest];
  const configs = await Promise.all(manifests.map((entry) => readConfig(reader, entry, signal)));
  const result: ImageConfig = { digest, commands: {}, defaultArgs: {} };
  for (const blob of configs) {
    const platform = [blob.os ?? 'linux', blob.architecture ?? 'amd64', blob.variant].filter(Boolean).join('/');
    const entrypoint = blob.config?.Entrypoint ?? [];
    const cmd = blob.config?.Cmd ?? [];
    result.commands[platform] = entrypoint.length > 0 ? entrypoint : cmd;
    if (entrypoint.length > 0 && result.defaultArgs) result.defaultArgs[platform] = cmd;
  }
  return result;
}

async function readConfig(reader: RepositoryReader, manifest: Manifest, signal: AbortSignal): Promise<ConfigBlob> {
  if (!manifest.config) throw new Error('the image has no config: it is not a container image');
  const response = await reader.get(`blobs/${manifest.config.digest}`, ['application/octet-stream', '*/*'], signal);
  return (await response.json()) as ConfigBlob;
}

/** The pull secrets that kubelet would use for the pod. A secret that is missing or unreadable is passed over, as kubelet does. */
async function keychainsOf(client: Pick<KubeClient, 'get'>, asker: ImageCredentials, signal: AbortSignal): Promise<Keychain[]> {
  const account = await getOrUndefined(() => client.get(serviceAccounts, asker.namespace, asker.serviceAccountName, { signal }));
  const names = new Set([...asker.imagePullSecrets, ...(account?.imagePullSecrets ?? []).map((secret) => secret.name ?? '')].filter(Boolean));
  const found = await Promise.all([...names].map((name) => getOrUndefined(() => client.get(secrets, asker.namespace, name, { signal }))));
  return found.flatMap((secret) => {
    try {
      return secret ? [keychainOfSecret(secret.data)] : [];
    } catch (error) {
      throw new Error(`pull secret ${asker.namespace}/${secret?.metadata.name ?? ''}: ${messageOf(error)}`, { cause: error });
    }
  });
}

async function getOrUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
