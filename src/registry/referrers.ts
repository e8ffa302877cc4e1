import { ByteBudget } from '../http/byte-budget.ts';
import { manifestLimit, ociIndexType, type Descriptor, type IndexManifest } from './media-types.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import type { NamedUrl, Registry } from './registry.ts';
import type { RegistryAnswer } from './transport.ts';

/** Pages of referrers, and bytes of them all. */
const mostPages = 100;
const referrersLimit = 16 * 1024 * 1024;

/** The repository whose referrers are asked for. */
export interface ReferrersPlace {
  registry: Registry;
  name: string;
  /** Of the token. */
  scope: string;
  budget: ByteBudget | undefined;
}

/**
 * What the referrers API lists, page by page; undefined when the registry does not have it.
 * @throws RegistryError when it is too much, or no index.
 */
export async function listReferrers(
  { registry, name, scope, budget: shared }: ReferrersPlace,
  digest: string,
  signal: AbortSignal,
): Promise<Descriptor[] | undefined> {
  const what = `referrers of ${registry.host}/${name}@${digest}`;
  const descriptors: Descriptor[] = [];
  const budget = new ByteBudget(referrersLimit, shared);
  const headers = { accept: ociIndexType };
  const call = { method: 'GET', scope, operation: 'referrers', headers, limit: manifestLimit, budget } as const;
  let path: string | NamedUrl = `${name}/referrers/${digest}`;
  try {
    for (let page = 1; page <= mostPages; page += 1) {
      const answer: RegistryAnswer = await registry.call({ ...call, path }, signal);
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

/** The tag of the index of referrers in registries without the API (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(digest: string): string {
  return digest.replace(':', '-');
}

/** The Link header's next page. */
function nextPage({ headers, url, peer }: RegistryAnswer): NamedUrl | undefined {
  const next = /<([^<>]{1,2048})>\s{0,8};\s{0,8}rel="?next"?/.exec(headers['link'] ?? '')?.[1];
  return next !== undefined && URL.canParse(next, url) ? { url: new URL(next, url), namedBy: peer } : undefined;
}

/**
 * The manifests of an index.
 * @throws RegistryError naming `what` when the bytes are none.
 */
export function manifestsOf(bytes: Buffer, what: string): Descriptor[] {
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
