import type { IncomingHttpHeaders } from 'node:http';
import { RefusedError } from '../refusal.ts';
import { checkPlace, type Tenancy } from './tenants.ts';

/** What of a request decides whether it may pass. */
export interface Asked {
  method: string;
  /** Without the query, as it came. */
  path: string;
  headers: IncomingHttpHeaders;
  /** It asks for another protocol. */
  isUpgrade: boolean;
}

const CSRF_HEADER = 'tekton-client';
const reads: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
/** Questions that have to be posted, and change nothing. */
const questions: ReadonlySet<string> = new Set([
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
  '/apis/authentication.k8s.io/v1/selfsubjectreviews',
]);
/** Subresources that act although one may GET them. */
const acting: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);

/** What the dashboard was started with. */
export interface Bounds {
  isReadOnly: boolean;
  tenancy: Tenancy;
}

/**
 * Whether a request may pass to the API server, which then judges it by the caller's rights.
 * @throws RefusedError
 */
export function checkPassage(asked: Asked, { isReadOnly, tenancy }: Bounds): void {
  if (!methods.has(asked.method)) throw new RefusedError(405, `${asked.method} is not passed on`);
  const segments = segmentsOf(asked.path);
  checkOrigin(asked);
  checkCsrf(asked);
  checkPlace(segments, tenancy);
  // What such an address answers comes from a pod: as a page of the dashboard it could do all that its reader may.
  const subresource = subresourceOf(segments);
  if (subresource === 'proxy')
    throw new RefusedError(403, 'the dashboard does not lead to pods, services and nodes: use "kubectl port-forward"');
  if (isReadOnly && changes(asked, subresource))
    throw new RefusedError(
      403,
      `the dashboard is read-only and passes no ${asked.isUpgrade ? 'upgrade' : asked.method} on: use kubectl or tektite, or have it started without --read-only`,
    );
}

/** Any value will do: pages of other origins cannot send the header without being asked first. */
export function checkCsrf({ method, headers }: Pick<Asked, 'method' | 'headers'>): void {
  if (!reads.has(method) && !headers[CSRF_HEADER])
    throw new RefusedError(
      403,
      `${method} needs the header Tekton-Client, with any value: pages of other sites cannot send it`,
    );
}

/** Upgrades carry no header that other sites could not send; browsers say who asks. */
function checkOrigin({ isUpgrade, headers: { origin, host } }: Asked): void {
  if (!isUpgrade || origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase())
    throw new RefusedError(
      403,
      `an upgrade for a page of ${JSON.stringify(origin.slice(0, 200))} is refused: this is ${JSON.stringify((host ?? '').slice(0, 200))}; a proxy in front has to pass the header Host on`,
    );
}

function changes({ method, path, isUpgrade }: Asked, subresource: string | undefined): boolean {
  if (acting.has(subresource ?? '')) return true;
  if (reads.has(method)) return false;
  return isUpgrade || !(method === 'POST' && questions.has(path));
}

/** As the API server takes a path apart: /api/VERSION or /apis/GROUP/VERSION, [namespaces/N], resource, name, this. */
function subresourceOf(segments: readonly string[]): string | undefined {
  const [verb, ...others] = segments.slice(segments[0] === 'api' ? 2 : 3);
  // Verbs of old that stood before the resource.
  if (verb === 'proxy') return 'proxy';
  const named = verb === undefined || verb === 'watch' ? others : [verb, ...others];
  return (named[0] === 'namespaces' && named.length > 2 ? named.slice(2) : named)[2];
}

/** @throws RefusedError for paths that could be read in two ways. */
function segmentsOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((segment, index, all) => {
      const decoded = decode(segment);
      const isEmptyWithin = decoded === '' && index < all.length - 1;
      if (isEmptyWithin || decoded === undefined || /^\.\.?$|[/\\\x00-\x1f\x7f]/.test(decoded))
        throw new RefusedError(400, `the path ${JSON.stringify(path.slice(0, 200))} is not one of the API server's`);
      return decoded;
    });
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
