import { LRUCache } from 'lru-cache';
import type { ImageConfig, ImageCredentials } from '../core/pod/image.ts';
import { messageOf } from '../errors.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { withDeadline } from '../http/deadline.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Registries } from '../registry/client.ts';
import { matchesDigest } from '../registry/digest.ts';
import type { CloudHelper } from '../registry/cloud/helper.ts';
import { credentialsFor, type RegistryCredentials } from '../registry/keychain.ts';
import { parseImageReference } from '../registry/reference.ts';
import { RegistryError } from '../registry/registry-error.ts';
import type { Repository, StoredManifest } from '../registry/repository.ts';
import { documentLimit, readImageConfig } from './image-config.ts';
import { pullKeychains } from './pull-credentials.ts';

/** What one look-up, and all of them together, may take. */
export interface ReadingLimits {
  /** For a whole look-up. */
  deadlineMs: number;
  /** Bytes of manifests and configs of one look-up. */
  bytes: number;
  /** The same of all look-ups at the time. */
  bytesOfAll: number;
  /** Bytes of remembered answers, and how long they are. */
  rememberedBytes: number;
  rememberedMs: number;
}

const identityMs = 10_000;
const mebibyte = 1024 * 1024;

export const readingLimits: Readonly<ReadingLimits> = {
  deadlineMs: 30_000,
  bytes: 4 * mebibyte,
  bytesOfAll: 24 * mebibyte,
  rememberedBytes: 4 * mebibyte,
  rememberedMs: 3_600_000,
};

export interface ImageReadingOptions {
  client: Pick<KubeClient, 'get'>;
  registries: Registries;
  /** The clouds in whose registries this process may have an identity. */
  helpers?: readonly CloudHelper[];
  limits?: Partial<ReadingLimits>;
}

/** Reads what an image runs by itself. Rejects with a message fit for a user. */
export type ImageReading = (image: string, asker: ImageCredentials, signal: AbortSignal) => Promise<ImageConfig>;

/**
 * Reads digest and argv by platform, with credentials from the ServiceAccount's imagePullSecrets and the pod's own;
 * where there are none and the registry lets nobody else read, with the identity of this process in its cloud, as
 * kubelet pulls with its node's. A tag is asked anew each time, as it may move; that also proves that the asker, or
 * everybody, may read the repository, so what the digest stands for is remembered for all.
 */
export function createImageReading({ client, registries, helpers = [], limits }: ImageReadingOptions): ImageReading {
  const { deadlineMs, bytes, bytesOfAll, rememberedBytes, rememberedMs } = { ...readingLimits, ...limits };
  const ofAll = new ByteBudget(bytesOfAll);
  const remembered = new LRUCache<string, ImageConfig>({
    maxSize: rememberedBytes,
    sizeCalculation: (config, key) => key.length + JSON.stringify(config).length,
    ttl: rememberedMs,
  });
  const read = async (image: string, asker: ImageCredentials, budget: ByteBudget, signal: AbortSignal) => {
    const { host, repository, reference } = parseImageReference(image);
    const credentials = credentialsFor(await pullKeychains(client, asker, signal), host, repository);
    const open = async (as: RegistryCredentials | undefined): Promise<Opened> => {
      const reader = registries.repository(host, repository, { credentials: as, access: 'pull', budget, deadlineMs });
      return { reader, stored: await reader.getManifest(reference, signal, { limit: documentLimit }) };
    };
    const helper = credentials === undefined ? helpers.find((each) => each.serves(host)) : undefined;
    const { reader, stored: found } = await open(credentials).catch(async (error: unknown) => {
      if (helper === undefined || !(error instanceof RegistryError && error.isDenied)) throw error;
      return open(await identityOf(helper, host, error, signal));
    });
    const stored = named(reader, found);
    const key = `${host}/${repository}@${stored.digest}`;
    const known = remembered.get(key);
    if (known) return known;
    const config = await readImageConfig(reader, stored, signal);
    remembered.set(key, config);
    return config;
  };
  const late = () =>
    new RegistryError(0, `the registry did not answer all that was asked within ${deadlineMs / 1000} s`);
  return async (image, asker, signal) => {
    const budget = new ByteBudget(bytes, ofAll);
    try {
      return await withDeadline({ ms: deadlineMs, signal, late }, (bounded) => read(image, asker, budget, bounded));
    } finally {
      budget.release();
    }
  };
}

interface Opened {
  reader: Repository;
  stored: StoredManifest;
}

/** @throws the registry's refusal, with why this process has no identity for it */
async function identityOf(
  helper: CloudHelper,
  host: string,
  refusal: RegistryError,
  signal: AbortSignal,
): Promise<RegistryCredentials> {
  try {
    // SDKs look for their cloud for long where there is none.
    return (await helper.issue(host, AbortSignal.any([signal, AbortSignal.timeout(identityMs)]))).credentials;
  } catch (error) {
    signal.throwIfAborted();
    throw new RegistryError(
      refusal.status,
      `${refusal.message}; there is no pull secret for ${host}, and the controller has no identity there (${helper.name}: ${messageOf(error)})`,
      { cause: error },
    );
  }
}

/** By the digest that the registry states, if that is what the bytes have: pods are pinned to it. */
function named(repository: Repository, stored: StoredManifest): StoredManifest {
  const { statedDigest, bytes, digest } = stored;
  if (statedDigest === undefined || statedDigest === digest) return stored;
  if (statedDigest.length > 200 || !matchesDigest(bytes, statedDigest))
    throw new RegistryError(422, `${repository.fullName}: the manifest has another digest than the registry states`);
  return { ...stored, digest: statedDigest };
}
