import { systemClock, type Clock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import { RegistryError, type Registries } from '../../../registry/client.ts';
import type { Descriptor } from '../../../registry/media-types.ts';
import { InvalidImageError, parseImageReference } from '../../../registry/reference.ts';
import { blobLimit, type Repository, type RepositoryAccess } from '../../../registry/repository.ts';
import type { AccountCredentials, CredentialSource } from '../../../images/run-credentials.ts';
import { ProcessLock, type NamedLock, type TagUpdateOptions } from '../../../registry/tag-update.ts';
import type { ImageSubject } from '../../types.ts';
import { StorageError, type StorageBackend, type StoreRequest } from '../backend.ts';
import { askerOf } from './asker.ts';
import { attachLayer, attachmentTag, AttachmentError } from './attachment.ts';
import { layerOf, likeness } from './layer.ts';
import { attachBundle } from './referrer.ts';
import { wayOut } from './way-out.ts';

export interface OciBackendOptions {
  registries: Registries;
  credentials: CredentialSource;
  /** Without those of Chains, for storage.oci.lend-credentials. */
  runCredentials: CredentialSource;
  /** Must reach as far as there are writers: with more than one replica a lock of this process is not enough. */
  lock?: NamedLock;
  clock?: Clock;
  random?: () => number;
}

/** Subjects of one artifact that are written at the same time. */
const atOnce = 4;

/**
 * Signatures and attestations beside the images: `.sig` and `.att` tags, or bundles as referrers
 * (storage.oci.encoding-format). Every subject is tried, also when another one fails. An artifact without image
 * subjects has nothing to be stored, which is success, as upstream.
 */
export function createOciBackend(options: OciBackendOptions): StorageBackend {
  const tagOptions: TagUpdateOptions = {
    lock: options.lock ?? new ProcessLock(),
    clock: options.clock ?? systemClock,
    ...(options.random ? { random: options.random } : {}),
  };
  return {
    name: 'oci',
    refuses: refusal,
    async store(request, signal) {
      const refused = refusal(request);
      if (refused !== undefined)
        throw new StorageError('oci', request.artifact.shortKey, refused, { retryable: false });
      const { lendCredentials } = request.config.trust;
      const account = (lendCredentials ? options.credentials : options.runCredentials).of(askerOf(request.run));
      const failures: SubjectFailure[] = [];
      const queue = [...request.artifact.payload.subjects];
      const work = async () => {
        for (let subject = queue.shift(); subject !== undefined; subject = queue.shift()) {
          const failure = await storeSubject(
            { registries: options.registries, account, tagOptions, request, signal },
            subject,
          );
          if (failure) failures.push(failure);
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, work));
      if (failures.length > 0) throw storageError(request, failures);
    },
  };
}

function refusal({ artifact, config }: StoreRequest): string | undefined {
  const { json, wrap } = artifact.payload;
  // base64 in the envelope, and again in the bundle's limits.
  const size = wrap ? Math.ceil(json.length / 3) * 4 + 4096 : json.length;
  if (size > blobLimit)
    return `the payload makes a layer of ${size} bytes, and cosign reads at most ${blobLimit}: use another backend for it`;
  if (config.storage.oci.encoding === 'sigstore-bundle' && !wrap)
    return 'storage.oci.encoding-format "sigstore-bundle" needs a statement in a DSSE envelope, and this payload is neither; use "dsse"';
  return undefined;
}

interface SubjectFailure {
  message: string;
  retryable: boolean;
  cause: unknown;
}

/** One call of the backend. */
interface Storing {
  registries: Registries;
  account: AccountCredentials;
  tagOptions: TagUpdateOptions;
  request: StoreRequest;
  signal: AbortSignal;
}

async function storeSubject(storing: Storing, subject: ImageSubject): Promise<SubjectFailure | undefined> {
  const { registries, account, request, signal } = storing;
  const image = `${subject.repository}@${subject.digest}`;
  const { repository: override, insecure, encoding } = request.config.storage.oci;
  const opened = new Map<string, { host: string; name: string }>();
  const open = async (name: string, access: RepositoryAccess): Promise<Repository> => {
    const reference = parseImageReference(name);
    opened.set(`${reference.host}/${reference.repository}`, { host: reference.host, name: reference.repository });
    const { credentials } = await account.find(reference.host, reference.repository, signal);
    return registries.repository(reference.host, reference.repository, { credentials, insecure, access });
  };
  const storeOnce = async (): Promise<void> => {
    // A bundle refers to the image's manifest, and is found only where that is.
    if (encoding === 'sigstore-bundle') await storeBundle(await open(subject.repository, 'push'), storing, subject);
    else await storeLayer(await open(override || subject.repository, 'push'), storing, subject);
  };
  try {
    await storeOnce().catch((error: unknown) => {
      // Secrets are remembered for a while; one that was mended in the meantime deserves a second look.
      if (error instanceof RegistryError && error.isDenied && account.forget()) return storeOnce();
      throw error;
    });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const why =
      error instanceof RegistryError && error.isDenied
        ? await Promise.all([...opened.values()].map(({ host, name }) => account.explain(host, name, signal)))
        : [];
    return {
      message: [`${image}: ${messageOf(error)}`, ...why, wayOut(error)].filter(Boolean).join('; '),
      retryable: isRetryable(error),
      cause: error,
    };
  }
}

async function storeLayer(
  repository: Repository,
  { request, tagOptions, signal }: Storing,
  subject: ImageSubject,
): Promise<void> {
  const layer = layerOf(request);
  const tag = attachmentTag(subject.digest, layer.suffix);
  const compare = (found: Descriptor) =>
    likeness(found, layer, request, (digest) => repository.getBlob(digest, signal).catch(unusable));
  await attachLayer({ repository, tag }, { layer, compare }, tagOptions, signal);
}

/** A layer whose content is gone or not what its digest says is nobody's. */
function unusable(error: unknown): undefined {
  if (error instanceof RegistryError && (error.status === 404 || error.status === 422)) return undefined;
  throw error;
}

async function storeBundle(
  repository: Repository,
  { request, tagOptions, signal }: Storing,
  subject: ImageSubject,
): Promise<void> {
  const image = await repository.headManifest(subject.digest, signal);
  if (!image)
    throw new RegistryError(
      404,
      `${repository.fullName} has no manifest ${subject.digest}, and a bundle refers to the manifest; push the image first`,
    );
  const manifest = { mediaType: image.mediaType, digest: subject.digest, size: image.size };
  await attachBundle({ repository, subject: manifest }, request, tagOptions, signal);
}

function isRetryable(error: unknown): boolean {
  if (error instanceof AttachmentError || error instanceof InvalidImageError) return false;
  return !(error instanceof RegistryError && error.isFinal && error.status !== 409);
}

function storageError(request: StoreRequest, failures: SubjectFailure[]): StorageError {
  const total = request.artifact.payload.subjects.length;
  const head = total > 1 ? `${failures.length} of ${total} images failed: ` : '';
  return new StorageError(
    'oci',
    request.artifact.shortKey,
    head + failures.map((failure) => failure.message).join('; '),
    {
      cause: failures[0]?.cause,
      // One that may pass is reason enough to try again: what is stored is not stored twice.
      retryable: failures.some((failure) => failure.retryable),
    },
  );
}
