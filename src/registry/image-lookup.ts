import type { ImageConfig, ImageCredentials, ImageLookup } from '../core/pod/image.ts';
import { messageOf } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/client.ts';
import { secrets, serviceAccounts } from '../kube/resources.ts';
import { Registries, type RegistryMirrors } from './client.ts';
import { credentialsFor, keychainOfSecret, type Keychain } from './keychain.ts';
import { imageManifestTypes } from './media-types.ts';
import { parseImageReference, type ImageReference } from './reference.ts';
import type { Repository } from './repository.ts';

/** Bytes of an image's config that are read; real ones have a few thousand. */
const configLimit = 4 * 1024 * 1024;

interface PlatformDescriptor {
  digest: string;
  platform?: { os: string; architecture: string; variant?: string };
}

interface Manifest {
  mediaType?: string;
  manifests?: PlatformDescriptor[];
  config?: { digest: string };
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
  /** Connections to share with others, with their certificates and mirrors; default: its own. */
  registries?: Registries;
  /** Images remembered by digest; upstream keeps 1024. */
  remember?: number;
}

/**
 * Looks up what an image runs by itself, for steps without a command: digest, and argv by platform. Credentials come
 * from the ServiceAccount's imagePullSecrets and the pod's own. Answers are remembered by digest; a tag is asked anew
 * each time, as it may move. Concurrent questions after the same digest are asked once.
 */
export function createImageLookup(options: ImageLookupOptions): ImageLookup {
  const registries = options.registries ?? new Registries({ mirrors: options.mirrors ?? {} });
  const remembered = new Map<string, Promise<ImageConfig>>();
  const most = options.remember ?? 1024;
  return async (image, asker, signal) => {
    const reference = parseImageReference(image);
    const keychains = await keychainsOf(options.client, asker, signal);
    const credentials = credentialsFor(keychains, reference.host, reference.repository);
    const reader = registries.repository(reference.host, reference.repository, { credentials, access: 'pull' });
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

async function readManifest(
  reader: Repository,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<{ manifest: Manifest; digest: string }> {
  const stored = await reader.getManifest(reference.reference, signal);
  return {
    manifest: parsed(stored.bytes, 'manifest') as Manifest,
    digest: reference.digest ?? stored.statedDigest ?? stored.digest,
  };
}

async function readCommands(
  reader: Repository,
  manifest: Manifest,
  digest: string,
  signal: AbortSignal,
): Promise<ImageConfig> {
  const manifests = manifest.manifests
    ? await Promise.all(
        // Attestations hang in indexes as images of an unknown platform.
        manifest.manifests
          .filter((entry) => entry.platform !== undefined && entry.platform.os !== 'unknown')
          .map(
            async (entry) =>
              parsed(
                (await reader.getManifest(entry.digest, signal, imageManifestTypes)).bytes,
                'manifest',
              ) as Manifest,
          ),
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

async function readConfig(reader: Repository, manifest: Manifest, signal: AbortSignal): Promise<ConfigBlob> {
  if (!manifest.config) throw new Error('the image has no config: it is not a container image');
  return parsed(await reader.getBlob(manifest.config.digest, signal, configLimit), 'config') as ConfigBlob;
}

function parsed(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Error(`the image's ${what} is not JSON`, { cause });
  }
}

/**
 * The pull secrets that kubelet would use for the pod. A secret that is missing or unreadable is passed over, as
 * kubelet does.
 */
async function keychainsOf(
  client: Pick<KubeClient, 'get'>,
  asker: ImageCredentials,
  signal: AbortSignal,
): Promise<Keychain[]> {
  const account = await getOrUndefined(() =>
    client.get(serviceAccounts, asker.namespace, asker.serviceAccountName, { signal }),
  );
  const names = new Set(
    [...asker.imagePullSecrets, ...(account?.imagePullSecrets ?? []).map((secret) => secret.name ?? '')].filter(
      Boolean,
    ),
  );
  const found = await Promise.all(
    [...names].map((name) => getOrUndefined(() => client.get(secrets, asker.namespace, name, { signal }))),
  );
  return found.flatMap((secret) => {
    try {
      return secret ? [keychainOfSecret(secret.data)] : [];
    } catch (error) {
      throw new Error(`pull secret ${asker.namespace}/${secret?.metadata.name ?? ''}: ${messageOf(error)}`, {
        cause: error,
      });
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
