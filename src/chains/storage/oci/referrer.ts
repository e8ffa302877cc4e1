import { X509Certificate } from 'node:crypto';
import type { SerializedBundle } from '@sigstore/bundle';
import { digestOf } from '../../../registry/digest.ts';
import {
  emptyConfigType,
  ociIndexType,
  ociManifestType,
  type Descriptor,
  type ImageManifest,
  type IndexManifest,
} from '../../../registry/media-types.ts';
import { fallbackTag } from '../../../registry/referrers.ts';
import { missing, type Repository, type StoredManifest } from '../../../registry/repository.ts';
import { updateTag, type PlannedManifest, type TagUpdateOptions } from '../../../registry/tag-update.ts';
import { bundleMediaType, sigstoreBundle } from '../../signing/bundle.ts';
import type { StoreRequest } from '../backend.ts';
import { AttachmentError } from './attachment.ts';
import { isSameEnvelope } from './layer.ts';
import { annotation } from './media-types.ts';
import { signerName } from './signed-by.ts';

const emptyConfig = Buffer.from('{}');

/** An image in its repository. */
export interface StoredImage {
  repository: Repository;
  /** Its manifest. */
  subject: Descriptor;
}

/**
 * Stores a bundle as a referrer of an image, unless one with the same payload by the same signer is there. Registries
 * without the referrers API get the index at the fallback tag as well (distribution-spec).
 * @returns whether anything was written
 */
export function attachBundle(
  image: StoredImage,
  request: StoreRequest,
  options: TagUpdateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  // Two passes over one run must not both find that there is none.
  return options.lock.withLock(
    `${image.repository.fullName}@${image.subject.digest}`,
    () => attach(image, request, options, signal),
    signal,
  );
}

async function attach(
  image: StoredImage,
  request: StoreRequest,
  options: TagUpdateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { repository, subject } = image;
  const { api, descriptors } = await repository.referrers(subject.digest, signal);
  for (const found of descriptors) {
    if (await isSameBundle(repository, found, request, signal)) return false;
  }
  const { signature, logEntry, timestamp } = request;
  const blob = await sigstoreBundle({
    signature,
    logEntries: logEntry ? [logEntry] : [],
    timestamps: timestamp ? [timestamp] : [],
  });
  const manifest = Buffer.from(JSON.stringify(referrerManifest(subject, blob, request, options.clock.now())));
  await Promise.all([repository.pushBlob(blob, signal), ensureEmptyConfig(repository, signal)]);
  const { listsReferrers } = await repository.putManifest(
    digestOf(manifest),
    { bytes: manifest, mediaType: ociManifestType },
    signal,
  );
  if (!listsReferrers && !api) await listAtFallbackTag(image, descriptorOf(manifest), options, signal);
  return true;
}

function referrerManifest(subject: Descriptor, blob: Buffer, request: StoreRequest, now: Date): ImageManifest {
  return {
    schemaVersion: 2,
    mediaType: ociManifestType,
    artifactType: bundleMediaType,
    config: {
      mediaType: emptyConfigType,
      size: emptyConfig.length,
      digest: digestOf(emptyConfig),
      artifactType: bundleMediaType,
    },
    layers: [{ mediaType: bundleMediaType, size: blob.length, digest: digestOf(blob) }],
    subject,
    annotations: {
      [annotation.bundleContent]: 'dsse-envelope',
      [annotation.bundlePredicateType]: request.artifact.payload.predicateType ?? '',
      [annotation.created]: now.toISOString().replace(/\.\d+Z$/, 'Z'),
      [annotation.payload]: digestOf(request.artifact.payload.json),
      [annotation.signer]: signerName(request.signature),
    },
  };
}

/** As an index lists a manifest: artifact type and annotations are copied up. */
function descriptorOf(bytes: Buffer): Descriptor {
  const { artifactType, annotations } = JSON.parse(bytes.toString('utf8')) as ImageManifest;
  return {
    mediaType: ociManifestType,
    digest: digestOf(bytes),
    size: bytes.length,
    ...(artifactType ? { artifactType } : {}),
    ...(annotations ? { annotations } : {}),
  };
}

/**
 * Whether the listing rules out that this is our payload's bundle; most of strangers' referrers need not be fetched.
 */
function isOther(found: Descriptor, payload: StoreRequest['artifact']['payload']): boolean {
  // Some registries list the config's type for the artifact's (go-containerregistry's does).
  if (![undefined, bundleMediaType, emptyConfigType].includes(found.artifactType)) return true;
  const { [annotation.payload]: digest, [annotation.bundlePredicateType]: type } = found.annotations ?? {};
  return (
    (digest !== undefined && digest !== digestOf(payload.json)) ||
    (type !== undefined && type !== payload.predicateType)
  );
}

async function isSameBundle(
  repository: Repository,
  found: Descriptor,
  request: StoreRequest,
  signal: AbortSignal,
): Promise<boolean> {
  if (isOther(found, request.artifact.payload)) return false;
  const bundle = await bundleIn(repository, found, signal);
  if (!bundle) return false;
  const isSame = isSameEnvelope(Buffer.from(JSON.stringify(bundle.dsseEnvelope ?? {})), request, certificateOf(bundle));
  // A bundle without the log entry that we have now would not verify; it cannot be replaced, only joined.
  return isSame && (request.logEntry === undefined || (bundle.verificationMaterial?.tlogEntries ?? []).length > 0);
}

/** The bundle of a referrer; undefined when it has none, or it is gone. */
async function bundleIn(
  repository: Repository,
  { digest }: Descriptor,
  signal: AbortSignal,
): Promise<DeepPartial<SerializedBundle> | undefined> {
  const manifest = await repository.findManifest(digest, signal);
  const layer =
    manifest &&
    (JSON.parse(manifest.bytes.toString('utf8')) as Partial<ImageManifest>).layers?.find(
      (one) => one.mediaType === bundleMediaType,
    );
  const blob = layer && (await repository.getBlob(layer.digest, signal).catch(missing));
  return blob && (JSON.parse(blob.toString('utf8')) as DeepPartial<SerializedBundle>);
}

type DeepPartial<T> = T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

/** PEM of the certificate in a bundle, undefined when a key signed it. */
function certificateOf(bundle: DeepPartial<SerializedBundle>): string | undefined {
  const raw = bundle.verificationMaterial?.certificate?.rawBytes;
  return raw === undefined ? undefined : new X509Certificate(Buffer.from(raw, 'base64')).toString();
}

async function ensureEmptyConfig(repository: Repository, signal: AbortSignal): Promise<void> {
  if (!(await repository.hasBlob(digestOf(emptyConfig), signal))) await repository.pushBlob(emptyConfig, signal);
}

async function listAtFallbackTag(
  { repository, subject }: StoredImage,
  added: Descriptor,
  options: TagUpdateOptions,
  signal: AbortSignal,
): Promise<void> {
  const tag = fallbackTag(subject.digest);
  const plan = (current: StoredManifest | undefined): Promise<PlannedManifest> =>
    Promise.resolve(planIndex(current, added, `${repository.fullName}:${tag}`));
  await updateTag({ repository, tag, plan }, options, signal);
}

function planIndex(current: StoredManifest | undefined, added: Descriptor, where: string): PlannedManifest {
  const index: IndexManifest = current
    ? (JSON.parse(current.bytes.toString('utf8')) as IndexManifest)
    : { schemaVersion: 2, mediaType: ociIndexType, manifests: [] };
  if (!Array.isArray(index.manifests))
    throw new AttachmentError(
      `${where} holds ${current?.mediaType || 'something unknown'}, not an index of referrers; delete the tag`,
    );
  if (index.manifests.some((one) => one.digest === added.digest)) return undefined;
  const bytes = Buffer.from(JSON.stringify({ ...index, manifests: [...index.manifests, added] }));
  return { bytes, mediaType: index.mediaType ?? ociIndexType };
}
