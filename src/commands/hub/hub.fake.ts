import type { FakeAnswer } from '../../http/http-server.fake.ts';

const description =
  'A Task that greets whoever is named in a way that takes more than the eighty characters of a line, so that it is wrapped.';
const yaml = (version: string, name = 'greet', kind = 'Task') => `
apiVersion: tekton.dev/v1beta1
kind: ${kind}
metadata:
  name: ${name}
  labels: { app.kubernetes.io/version: "${version}" }
  annotations: { tekton.dev/pipelines.minVersion: 0.12.1 }
spec:
  steps:
    - name: greet
      image: greeter:${version}
      resources: { limits: { memory: 64Mi } }
`;

/** Definitions that a hub should not have, by their names. */
const odd: Readonly<Record<string, string>> = {
  imposter: yaml('0.3'),
  pod: yaml('0.3', 'pod', 'Pod').replace('tekton.dev/v1beta1', 'v1'),
  garbled: 'a: [',
};

const repository = {
  kind: 7,
  name: 'tekton-catalog-tasks',
  display_name: 'Tekton Catalog Tasks',
  organization_name: 'tektoncd',
};
/** A package as Artifact Hub's API has it (its openapi.yaml), as far as anything is read of it. */
const packageOf = (version: string, name = 'greet') => ({
  package_id: 'a1b2',
  name,
  normalized_name: name,
  display_name: '',
  description,
  category: 3,
  keywords: ['hello', 'world'],
  version: `${version}.0`,
  available_versions: ['0.1.0', '0.3.0', '0.2.0']
    .map((each) => ({ version: each, prerelease: false, ts: 1 }))
    .concat([{ version: '0.4.0', prerelease: true, ts: 1 }]),
  deprecated: version === '0.2',
  stars: 3,
  repository,
  data: {
    manifestRaw: odd[name] ?? yaml(version),
    'pipelines.minVersion': '0.12.1',
    platforms: ['linux/amd64'],
  },
});

function artifactHub(url: URL): FakeAnswer | undefined {
  if (url.pathname === '/api/v1/packages/search') {
    const words = url.searchParams.get('ts_query_web') ?? '';
    return { body: { packages: ['greet', 'gree'].includes(words) ? [packageOf('0.3')] : [] } };
  }
  const [, name = '', version = '0.3.0'] =
    /^\/api\/v1\/packages\/tekton-task\/[^/]+\/([^/]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
  if (name === 'broken') return { status: 500 };
  if (name === 'page') return { body: '<html>' };
  const isThere = (name === 'greet' || name in odd) && ['0.1.0', '0.2.0', '0.3.0'].includes(version);
  return isThere ? { body: packageOf(version.replace(/\.0$/, ''), name) } : undefined;
}

const tektonResource = {
  id: 1,
  name: 'greet',
  kind: 'Task',
  catalog: { id: 1, name: 'tekton', type: 'community' },
  categories: [{ id: 1, name: 'Automation' }],
  tags: [
    { id: 1, name: 'hello' },
    { id: 2, name: 'world' },
  ],
  rating: 4.8,
};
const tektonVersion = (version: string) => ({
  id: 10,
  version,
  displayName: '',
  description,
  minPipelinesVersion: '0.12.1',
  deprecated: version === '0.2',
  platforms: [{ id: 1, name: 'linux/amd64' }],
});

function tektonHub(url: URL): FakeAnswer | undefined {
  if (url.pathname === '/v1/query') {
    if (url.searchParams.get('name') === 'none') return { status: 404, body: { name: 'not-found' } };
    return { body: { data: [{ ...tektonResource, latestVersion: tektonVersion('0.3') }] } };
  }
  const [, version, wantsYaml] =
    /^\/v1\/resource\/tekton\/task\/greet(?:\/([^/]+)(\/yaml)?)?$/.exec(url.pathname) ?? [];
  if (version === undefined) return undefined;
  if (wantsYaml) return { body: { data: { yaml: yaml(version) } } };
  return { body: { data: { ...tektonVersion(version), resource: tektonResource } } };
}

/** What hubs of both kinds answer; 404 for what they do not have. */
export function answerOf(path: string): FakeAnswer {
  const url = new URL(path, 'http://hub');
  return artifactHub(url) ?? tektonHub(url) ?? { status: 404, body: { message: 'not found' } };
}
