import { RefusedError } from '../refusal.ts';

/** What a dashboard of some namespaces (--namespaces) lets through. */
export interface Tenancy {
  /** Empty: all. */
  namespaces: readonly string[];
  /** Where the settings of the suite are: of these, ConfigMaps. */
  settings: readonly string[];
}

/** What is in no namespace and tells of none. */
const shared: ReadonlySet<string> = new Set([
  'clusterinterceptors',
  'clustertriggerbindings',
  'customresourcedefinitions',
  'selfsubjectaccessreviews',
  'selfsubjectreviews',
  'selfsubjectrulesreviews',
]);
const NAMED = 5;

/**
 * Whether a path of the API server is of what the dashboard shows. Discovery is, and what is in no namespace and known
 * to tell of none.
 * @param segments of the path, the first being `api` or `apis`
 * @throws RefusedError 403
 */
export function checkPlace(segments: readonly string[], tenancy: Tenancy): void {
  if (tenancy.namespaces.length === 0) return;
  const [resource, namespace, kind] = behindVersion(segments);
  if (resource === undefined || shared.has(resource)) return;
  if (resource !== 'namespaces' || namespace === undefined)
    throw refused(`name one of them to ask for ${JSON.stringify(resource.slice(0, 100))}`, tenancy);
  if (kind === 'configmaps' && tenancy.settings.includes(namespace)) return;
  checkNamespace(namespace, tenancy);
}

/** What a path names in a version of a group. */
function behindVersion(segments: readonly string[]): string[] {
  const [first, ...others] = segments.slice(segments[0] === 'api' ? 2 : 3).filter((segment) => segment !== '');
  // `watch` once stood before the resource.
  return first === undefined || first === 'watch' ? others : [first, ...others];
}

/** @throws RefusedError 403 */
export function checkNamespace(namespace: string, tenancy: Tenancy): void {
  if (tenancy.namespaces.length > 0 && !tenancy.namespaces.includes(namespace))
    throw refused(`it shows nothing of ${JSON.stringify(namespace.slice(0, 100))}`, tenancy);
}

function refused(way: string, { namespaces }: Tenancy): RefusedError {
  const some = namespaces.slice(0, NAMED).join(', ');
  const more = namespaces.length > NAMED ? ` and ${namespaces.length - NAMED} more` : '';
  const word = namespaces.length === 1 ? 'namespace' : 'namespaces';
  return new RefusedError(403, `this dashboard is for ${word} ${some}${more}: ${way}`);
}
