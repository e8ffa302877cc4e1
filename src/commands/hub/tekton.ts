import { CommandError } from '../command.ts';
import type { Entry, Hub, HubKind, HubRequest, Package, Place, SearchQuery } from './hub.ts';
import { namesAt, objectAt, objectsAt, textAt, type Json } from './json.ts';
import { sorted } from './versions.ts';

/** Tekton Hub's API, which companies still run. */
export function tektonHub(request: HubRequest): Hub {
  const at = ({ kind, catalog, name }: Place) =>
    `/v1/resource/${[catalog, kind, name].map(encodeURIComponent).join('/')}`;
  return {
    type: 'tekton',
    defaultCatalog: () => 'tekton',
    async search(query, signal) {
      const answer = await request(searchPath(query), signal).catch((error: unknown) => {
        if (error instanceof CommandError && error.name === 'NotInHub') return { data: [] };
        throw error;
      });
      return { answer, found: objectsAt(answer, 'data').map(foundEntry) };
    },
    async versions(place, signal) {
      const { data } = await request(at(place), signal);
      return sorted(objectsAt({ ...(data as Json | undefined) }, 'versions').map((each) => textAt(each, 'version')));
    },
    async package(place, version, signal) {
      const versionAt = `${at(place)}/${encodeURIComponent(hubVersion(version))}`;
      const [content, details] = await Promise.all([request(`${versionAt}/yaml`, signal), request(versionAt, signal)]);
      return packageOf(objectAt(details, 'data'), textAt(objectAt(content, 'data'), 'yaml'), place);
    },
  };
}

/** Tekton Hub's catalog has versions of two numbers. */
function hubVersion(version: string): string {
  return version.replace(/^(\d+\.\d+)\.0$/, '$1');
}

function searchPath({ name, kinds, tags, categories, platforms, exact, limit }: SearchQuery): string {
  const search = new URLSearchParams({ match: exact ? 'exact' : 'contains' });
  if (name !== '') search.set('name', name);
  for (const [key, values] of Object.entries({ kinds, tags, categories, platforms }))
    for (const value of values) search.append(key, value);
  if (limit > 0) search.set('limit', String(limit));
  return `/v1/query?${search.toString()}`;
}

function foundEntry(json: Json): Entry {
  return entryOf(json, objectAt(json, 'latestVersion'));
}

function entryOf(resource: Json, version: Json): Entry {
  const kind: HubKind = textAt(resource, 'kind').toLowerCase() === 'pipeline' ? 'pipeline' : 'task';
  return {
    kind,
    catalog: textAt(objectAt(resource, 'catalog'), 'name'),
    name: textAt(resource, 'name'),
    version: textAt(version, 'version'),
    displayName: textAt(version, 'displayName'),
    description: textAt(version, 'description'),
    tags: namesAt(resource, 'tags'),
    categories: namesAt(resource, 'categories'),
    platforms: namesAt(version, 'platforms'),
  };
}

function packageOf(version: Json, yaml: string, place: Place): Package {
  if (yaml === '') throw new CommandError(`the hub has no definition of ${place.kind} ${place.name}`);
  const resource = objectAt(version, 'resource');
  const rating = resource['rating'];
  return {
    ...entryOf(resource, version),
    ...place,
    organization: '',
    minPipelinesVersion: textAt(version, 'minPipelinesVersion'),
    deprecated: version['deprecated'] === true,
    rating: typeof rating === 'number' ? String(rating) : '',
    yaml,
  };
}
