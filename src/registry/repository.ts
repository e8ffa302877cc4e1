import { ByteBudget } from '../http/byte-budget.ts';
import type { NamedUrl, Registry, RepositoryOptions } from './client.ts';
import { digestOf, matchesDigest } from './digest.ts';
import { manifestTypes, ociIndexType, type Descriptor, type IndexManifest } from './media-types.ts';
import { defaultDeadlineMs } from '../http/client.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import type { RegistryAnswer } from './transport.ts';

export type RepositoryAccess = 'pull' | 'push';

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

const manifestLimit = 8 * 1024 * 1024;
/** cosign's default for attachments (COSIGN_MAX_ATTACHMENT_SIZE). */
export const blobLimit = 128 * 1024 * 1024;
/** Pages of referrers, and bytes of them all. */
const mostPages = 100;
const referrersLimit = 16 * 1024 * 1024;
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
    const listed = await this.#listed(digest, signal);
    if (listed !== undefined) return { api: true, descriptors: listed };
    const index = await this.findManifest(fallbackTag(digest), signal);
    return {
      api: false,
      descriptors: index ? manifestsOf(index.bytes, `${this.fullName}:${fallbackTag(digest)}`) : [],
    };
  }

  /** What the referrers API lists; undefined when the registry does not have it. */
  async #listed(digest: string, signal: AbortSignal): Promise<Descriptor[] | undefined> {
    const what = `referrers of ${this.fullName}@${digest}`;
    const descriptors: Descriptor[] = [];
    const budget = new ByteBudget(referrersLimit, this.#budget);
    const call = {
      method: 'GET',
      scope: this.#scope,
      operation: 'referrers',
      headers: { accept: ociIndexType },
    } as const;
    let path: string | NamedUrl = `${this.name}/referrers/${digest}`;
    try {
      for (let page = 1; page <= mostPages; page += 1) {
        const answer: RegistryAnswer = await this.registry.call(
          { ...call, path, limit: manifestLimit, budget },
          signal,
        );
        const isIndex = answer.headers['content-type']?.startsWith(ociIndexType) ?? false;
        if ([400, 404, 406].includes(answer.status) || (answer.status === 200 && !isIndex)) return undefined;
        if (answer.status !== 200) throw refusalOf(answer);
        descriptors.push(...manifestsOf(answer.body, what));
        const next = nextPage(answer);
        if (next === undefined) return descriptors;
        path = next;
      }
    } finally {
      budget.release();
    }
    throw new RegistryError(413, `${what}: more than ${mostPages} pages`);
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

/** The tag of the index of referrers in registries without the API (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(digest: string): string {
  return digest.replace(':', '-');
}

/** The Link header's next page. */
function nextPage({ headers, url, peer }: RegistryAnswer): NamedUrl | undefined {
  const next = /<([^<>]{1,2048})>\s{0,8};\s{0,8}rel="?next"?/.exec(headers['link'] ?? '')?.[1];
  return next !== undefined && URL.canParse(next, url) ? { url: new URL(next, url), namedBy: peer } : undefined;
}

function manifestsOf(bytes: Buffer, what: string): Descriptor[] {
  // No cause: its message would quote the body.
  const broken = () => new RegistryError(422, `${what}: not a JSON index`);
  let index: Partial<IndexManifest> | null;
  try {
    index = JSON.parse(bytes.toString('utf8')) as Partial<IndexManifest> | null;
  } catch {
    throw broken();
  }
  const manifests = index?.manifests ?? [];
  if (!Array.isArray(manifests) || manifests.some((one: unknown) => typeof one !== 'object' || one === null))
    throw broken();
  return manifests;
}

/** Turns "there is none" into undefined. */
export function missing(error: unknown): undefined {
  if (error instanceof RegistryError && error.status === 404) return undefined;
  throw error;
}
