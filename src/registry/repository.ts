import type { ByteBudget } from '../http/byte-budget.ts';
import { defaultDeadlineMs } from '../http/client.ts';
import { digestOf, matchesDigest } from './digest.ts';
import type { RegistryCredentials } from './keychain.ts';
import { manifestLimit, manifestTypes, type Descriptor } from './media-types.ts';
import { fallbackTag, listReferrers, manifestsOf } from './referrers.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import type { Registry } from './registry.ts';
import type { RegistryAnswer } from './transport.ts';

export type RepositoryAccess = 'pull' | 'push';

export interface RepositoryOptions {
  credentials?: RegistryCredentials | undefined;
  /** Plain HTTP is allowed and TLS certificates are not checked. */
  insecure?: boolean;
  /** What tokens are asked for. */
  access: RepositoryAccess;
  /** What all manifests and blobs read through it may come to. */
  budget?: ByteBudget;
  /** For each manifest or blob that is read, with its retries. */
  deadlineMs?: number;
}

export interface ManifestToPut {
  bytes: Buffer;
  mediaType: string;
  /** Written only where the registry still has this ETag; registries may ignore it. */
  ifMatch?: string | undefined;
}

export interface StoredManifest {
  bytes: Buffer;
  mediaType: string;
  /** Of the bytes. */
  digest: string;
  /** Docker-Content-Digest: what the registry calls it; usually the same. */
  statedDigest: string | undefined;
  etag: string | undefined;
}

export interface Referrers {
  /** False: the registry lacks the referrers API, and these are from the index at the fallback tag. */
  api: boolean;
  descriptors: Descriptor[];
}

/** cosign's default for attachments (COSIGN_MAX_ATTACHMENT_SIZE). */
export const blobLimit = 128 * 1024 * 1024;
/** Bytes per millisecond below which an upload counts as stuck: 256 KB a second. */
const slowestUpload = 256;
const knownDigest = /^sha(256|384|512):[0-9a-f]{64,128}$/;

/** One repository of a registry. Errors are RegistryErrors in the registry's own words. */
export class Repository {
  readonly registry: Registry;
  readonly name: string;
  readonly #scope: string;
  readonly #budget: ByteBudget | undefined;
  readonly #deadlineMs: number | undefined;

  constructor(
    registry: Registry,
    name: string,
    { access, budget, deadlineMs }: Omit<RepositoryOptions, 'credentials' | 'insecure'>,
  ) {
    this.registry = registry;
    this.name = name;
    this.#budget = budget;
    this.#deadlineMs = deadlineMs;
    this.#scope = `repository:${name}:${access === 'push' ? 'pull,push' : 'pull'}`;
  }

  /** `host/name`, as users write it. */
  get fullName(): string {
    return `${this.registry.host}/${this.name}`;
  }

  /** @throws RegistryError 404 when there is none. */
  async getManifest(
    reference: string,
    signal: AbortSignal,
    { accept = manifestTypes, limit = manifestLimit }: { accept?: readonly string[]; limit?: number } = {},
  ): Promise<StoredManifest> {
    const answer = await this.#read({ operation: 'manifest', path: `manifests/${reference}`, accept, limit }, signal);
    if (knownDigest.test(reference) && !matchesDigest(answer.body, reference))
      throw this.#corrupt('manifest', reference);
    const mediaType = answer.headers['content-type']?.split(';')[0]?.trim() ?? '';
    return {
      bytes: answer.body,
      mediaType,
      digest: digestOf(answer.body),
      statedDigest: answer.headers['docker-content-digest'],
      etag: answer.headers['etag'],
    };
  }

  /** As getManifest; undefined when there is none. */
  findManifest(reference: string, signal: AbortSignal): Promise<StoredManifest | undefined> {
    return this.getManifest(reference, signal).catch(missing);
  }

  /** What a manifest is, without its content; undefined when there is none. */
  async headManifest(reference: string, signal: AbortSignal): Promise<Descriptor | undefined> {
    const answer = await this.registry.call(
      {
        method: 'HEAD',
        path: `${this.name}/manifests/${reference}`,
        scope: this.#scope,
        operation: 'manifest',
        headers: { accept: manifestTypes.join(', ') },
      },
      signal,
    );
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refusalOf(answer);
    const digest = answer.headers['docker-content-digest'];
    const size = Number(answer.headers['content-length'] ?? Number.NaN);
    if (digest && Number.isInteger(size)) return { mediaType: answer.headers['content-type'] ?? '', digest, size };
    // Not all registries say digest and size here.
    const manifest = await this.findManifest(reference, signal);
    return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
  }

  /**
   * Stores a manifest under a tag or its digest.
   * @returns whether the registry itself keeps the list of what refers to its subject (OCI-Subject).
   */
  async putManifest(
    reference: string,
    { bytes, mediaType, ifMatch }: ManifestToPut,
    signal: AbortSignal,
  ): Promise<{ listsReferrers: boolean }> {
    const headers = { 'content-type': mediaType, ...(ifMatch ? { 'if-match': ifMatch } : {}) };
    const answer = await this.registry.call(
      {
        method: 'PUT',
        path: `${this.name}/manifests/${reference}`,
        scope: this.#scope,
        operation: 'manifest',
        headers,
        body: bytes,
      },
      signal,
    );
    if (answer.status !== 201 && answer.status !== 200 && answer.status !== 202) throw refusalOf(answer);
    return { listsReferrers: answer.headers['oci-subject'] !== undefined };
  }

  async hasBlob(digest: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.registry.call(
      { method: 'HEAD', path: `${this.name}/blobs/${digest}`, scope: this.#scope, operation: 'blob' },
      signal,
    );
    if (answer.status !== 200 && answer.status !== 404) throw refusalOf(answer);
    return answer.status === 200;
  }

  /** @throws RegistryError, also when the bytes are not what the digest says. */
  async getBlob(digest: string, signal: AbortSignal, limit = blobLimit): Promise<Buffer> {
    const accept = ['application/octet-stream', '*/*'];
    const answer = await this.#read({ operation: 'blob', path: `blobs/${digest}`, accept, limit }, signal);
    if (knownDigest.test(digest) && !matchesDigest(answer.body, digest)) throw this.#corrupt('blob', digest);
    return answer.body;
  }

  /**
   * Stores a blob in one piece; storing it again is harmless.
   * @param holder a repository of the same registry that has it: where the registry can, it is taken from there and not
   *   sent.
   * @returns its digest
   */
  async pushBlob(bytes: Buffer, signal: AbortSignal, holder?: string): Promise<string> {
    const digest = digestOf(bytes);
    const call = { scope: this.#scope, operation: 'upload' };
    const mount = holder === undefined ? '' : `?mount=${digest}&from=${encodeURIComponent(holder)}`;
    const begun = await this.registry.call(
      { ...call, method: 'POST', path: `${this.name}/blobs/uploads/${mount}`, headers: { 'content-length': '0' } },
      signal,
    );
    if (begun.status === 201 && holder !== undefined) return digest;
    const location = begun.headers['location'];
    if (begun.status !== 202 || location === undefined) throw refusalOf(begun);
    if (!URL.canParse(location, begun.url))
      throw new RegistryError(422, `${this.fullName}: the registry names an upload location that is no URL`);
    const url = new URL(location, begun.url);
    url.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) };
    const path = { url, namedBy: begun.peer };
    const deadlineMs = defaultDeadlineMs + bytes.length / slowestUpload;
    const done = await this.registry.call({ ...call, method: 'PUT', path, headers, body: bytes, deadlineMs }, signal);
    // An upload ends with the request that ended it: when its answer got lost, a retry finds no upload, but the blob.
    if (done.status !== 201 && !(done.status === 404 && (await this.hasBlob(digest, signal)))) throw refusalOf(done);
    return digest;
  }

  /**
   * Whether the credentials may push here: an upload is begun and given up, nothing is sent.
   * @throws RegistryError when the registry refuses it.
   */
  async proveUpload(signal: AbortSignal): Promise<void> {
    const call = { scope: this.#scope, operation: 'upload' };
    const begun = await this.registry.call(
      { ...call, method: 'POST', path: `${this.name}/blobs/uploads/`, headers: { 'content-length': '0' } },
      signal,
    );
    const location = begun.headers['location'];
    if (begun.status !== 202) throw refusalOf(begun);
    if (location === undefined || !URL.canParse(location, begun.url.href)) return;
    const url = new URL(location, begun.url);
    // Registries end abandoned uploads themselves; nothing is sent to addresses that one names elsewhere.
    if (url.host !== begun.url.host) return;
    await this.registry
      .call({ ...call, method: 'DELETE', path: { url, namedBy: begun.peer } }, signal)
      .catch(() => undefined);
    signal.throwIfAborted();
  }

  /** All that refers to a manifest, from the referrers API (page by page) or from the fallback tag. */
  async referrers(digest: string, signal: AbortSignal): Promise<Referrers> {
    const { registry, name } = this;
    const asked = { registry, name, scope: this.#scope, budget: this.#budget };
    const listed = await listReferrers(asked, digest, signal);
    if (listed !== undefined) return { api: true, descriptors: listed };
    const index = await this.findManifest(fallbackTag(digest), signal);
    return {
      api: false,
      descriptors: index ? manifestsOf(index.bytes, `${this.fullName}:${fallbackTag(digest)}`) : [],
    };
  }

  async #read(
    { operation, path, accept, limit }: { operation: string; path: string; accept: readonly string[]; limit: number },
    signal: AbortSignal,
  ): Promise<RegistryAnswer> {
    const answer = await this.registry.call(
      {
        method: 'GET',
        path: `${this.name}/${path}`,
        scope: this.#scope,
        operation,
        headers: { accept: accept.join(', ') },
        limit,
        budget: this.#budget,
        deadlineMs: this.#deadlineMs,
      },
      signal,
    );
    if (answer.status !== 200) throw refusalOf(answer);
    return answer;
  }

  #corrupt(what: string, digest: string): RegistryError {
    return new RegistryError(
      422,
      `${this.fullName}: the ${what} that the registry gives for ${digest} has another digest`,
    );
  }
}

/** Turns "there is none" into undefined. */
export function missing(error: unknown): undefined {
  if (error instanceof RegistryError && error.status === 404) return undefined;
  throw error;
}
