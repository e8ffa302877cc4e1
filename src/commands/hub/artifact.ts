import { CommandError } from '../command.ts';
import type { Entry, Hub, HubKind, HubRequest, Package, Place, SearchQuery } from './hub.ts';
import { objectAt, objectsAt, textAt, textsAt, type Json } from './json.ts';
import { sorted } from './versions.ts';

/** Numbers of Artifact Hub's repository kinds (its openapi.yaml). */
const kindNumbers: Readonly<Record<HubKind, number>> = { task: 7, pipeline: 11 };
/** Artifact Hub's categories, by number from 1. */
const categories = [
  'AI / Machine learning',
  'Database',
  'Integration and delivery',
  'Monitoring and logging',
  'Networking',
  'Security',
  'Storage',
  'Streaming and messaging',
];
/** Packages of a page: the most that are given. */
const pageSize = 60;
/** A search that finds more names nothing. */
const mostFound = 1_200;

/** https://artifacthub.io and who has its API. */
export function artifactHub(request: HubRequest): Hub {
  const at = ({ kind, catalog, name }: Place) =>
    `/api/v1/packages/tekton-${kind}/${encodeURIComponent(catalog)}/${encodeURIComponent(name)}`;
  return {
    type: 'artifact',
    defaultCatalog: (kind) => `tekton-catalog-${kind}s`,
    async search(query, signal) {
      const packages: Json[] = [];
      const most = Math.min(query.limit || mostFound, mostFound);
      for (let offset = 0; offset < most; offset += pageSize) {
        const page = objectsAt(await request(searchPath(query, offset, most), signal), 'packages');
        packages.push(...page);
        if (page.length < pageSize) break;
      }
      const kept = packages.filter((each) => !query.exact || textAt(each, 'name') === query.name).slice(0, most);
      return { answer: { packages: kept }, found: kept.map(entryOf) };
    },
    async versions(place, signal) {
      const json = await request(at(place), signal);
      return sorted(
        objectsAt(json, 'available_versions').flatMap((each) =>
          each['prerelease'] === true ? [] : [textAt(each, 'version')],
        ),
      );
    },
    async package(place, version, signal) {
      // It knows versions of three numbers only.
      const whole = version.split('.').length === 2 ? `${version}.0` : version;
      return packageOf(await request(`${at(place)}/${encodeURIComponent(whole)}`, signal), place);
    },
  };
}

function searchPath({ name, kinds, tags, categories: wanted, platforms }: SearchQuery, offset: number, most: number) {
  if (platforms.length > 0)
    throw new CommandError('Artifact Hub does not search by platform; leave --platforms out, or use --type tekton');
  const limit = Math.min(pageSize, most - offset);
  const search = new URLSearchParams({ offset: String(offset), limit: String(limit) });
  const words = [name, ...tags].filter((word) => word !== '').join(' ');
  if (words !== '') search.set('ts_query_web', words);
  for (const kind of kinds.length > 0 ? kinds : (['task', 'pipeline'] as const))
    search.append('kind', String(kindNumbers[kind]));
  for (const category of wanted) search.append('category', String(categoryNumber(category)));
  return `/api/v1/packages/search?${search.toString()}`;
}

function categoryNumber(name: string): number {
  const index = categories.findIndex((each) => each.toLowerCase() === name.toLowerCase());
  if (index < 0)
    throw new CommandError(`Artifact Hub has no category ${JSON.stringify(name)}; it has ${categories.join(', ')}`);
  return index + 1;
}

function entryOf(json: Json): Entry {
  const repository = objectAt(json, 'repository');
  const category = categories[Number(json['category']) - 1];
  return {
    kind: repository['kind'] === kindNumbers.pipeline ? 'pipeline' : 'task',
    catalog: textAt(repository, 'name'),
    name: textAt(json, 'name'),
    version: textAt(json, 'version'),
    displayName: textAt(json, 'display_name'),
    description: textAt(json, 'description'),
    tags: textsAt(json, 'keywords'),
    categories: category === undefined ? [] : [category],
    platforms: textsAt(objectAt(json, 'data'), 'platforms'),
  };
}

function packageOf(json: Json, place: Place): Package {
  const data = objectAt(json, 'data');
  const yaml = textAt(data, 'manifestRaw');
  if (yaml === '') throw new CommandError(`Artifact Hub has no definition of ${place.kind} ${place.name}`);
  const stars = json['stars'];
  return {
    ...entryOf(json),
    ...place,
    organization: textAt(objectAt(json, 'repository'), 'organization_name'),
    minPipelinesVersion: textAt(data, 'pipelines.minVersion'),
    deprecated: json['deprecated'] === true,
    rating: typeof stars === 'number' ? `${stars} stars` : '',
    yaml,
  };
}
