import type { Registry } from './client.ts';
import { digestOf, matchesDigest } from './digest.ts';
import { manifestTypes, ociIndexType, type Descriptor, type IndexManifest } from './media-types.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import type { RegistryAnswer } from './transport.ts';

export type RepositoryAccess = 'pull' | 'push';

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

const manifestLimit = 8 * 1024 * 1024;
/** cosign's default for attachments (COSIGN_MAX_ATTACHMENT_SIZE). */
export const blobLimit = 128 * 1024 * 1024;
const knownDigest = /^sha(256|384|512):[0-9a-f]{64,128}$/;

/** One repository of a registry. Errors are RegistryErrors in the registry's own words. */
export class Repository {
  readonly registry: Registry;
  readonly name: string;
  readonly #scope: string;

  constructor(registry: Registry, name: string, access: RepositoryAccess) {
    this.registry = registry;
    this.name = name;
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
    accept: readonly string[] = manifestTypes,
  ): Promise<StoredManifest> {
    const answer = await this.#read('manifest', `manifests/${reference}`, accept, manifestLimit, signal);
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
    bytes: Buffer,
    mediaType: string,
    signal: AbortSignal,
    ifMatch?: string,
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
    const answer = await this.#read('blob', `blobs/${digest}`, ['application/octet-stream', '*/*'], limit, signal);
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
    const target = new URL(location, begun.url);
    target.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) };
    const done = await this.registry.call({ ...call, method: 'PUT', path: target, headers, body: bytes }, signal);
    // An upload ends with the request that ended it: when its answer got lost, a retry finds no upload, but the blob.
    if (done.status !== 201 && !(done.status === 404 && (await this.hasBlob(digest, signal)))) throw refusalOf(done);
    return digest;
  }

  /** All that refers to a manifest, from the referrers API (page by page) or from the fallback tag. */
  async referrers(digest: string, signal: AbortSignal): Promise<Referrers> {
    const descriptors: Descriptor[] = [];
    let path: string | URL = `${this.name}/referrers/${digest}`;
    for (;;) {
      const answer: RegistryAnswer = await this.registry.call(
        {
          method: 'GET',
          path,
          scope: this.#scope,
          operation: 'referrers',
          headers: { accept: ociIndexType },
          limit: manifestLimit,
        },
        signal,
      );
      const isIndex = answer.headers['content-type']?.startsWith(ociIndexType) ?? false;
      if (
        answer.status === 404 ||
        answer.status === 400 ||
        answer.status === 406 ||
        (answer.status === 200 && !isIndex)
      )
        break;
      if (answer.status !== 200) throw refusalOf(answer);
      descriptors.push(...manifestsOf(answer.body, `referrers of ${this.fullName}@${digest}`));
      const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers['link'] ?? '')?.[1];
      if (next === undefined) return { api: true, descriptors };
      path = new URL(next, answer.url);
    }
    const index = await this.findManifest(fallbackTag(digest), signal);
    return {
      api: false,
      descriptors: index ? manifestsOf(index.bytes, `${this.fullName}:${fallbackTag(digest)}`) : [],
    };
  }

  async #read(
    operation: string,
    path: string,
    accept: readonly string[],
    limit: number,
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

/** The tag of the index of referrers in registries without the API (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(digest: string): string {
  return digest.replace(':', '-');
}

function manifestsOf(bytes: Buffer, what: string): Descriptor[] {
  try {
    const { manifests } = JSON.parse(bytes.toString('utf8')) as Partial<IndexManifest>;
    return manifests ?? [];
  } catch (cause) {
    throw new RegistryError(422, `${what}: not a JSON index`, { cause });
  }
}

/** Turns "there is none" into undefined. */
export function missing(error: unknown): undefined {
  if (error instanceof RegistryError && error.status === 404) return undefined;
  throw error;
}
