import { describe, expect, it } from 'vitest';
import { clusterResolver } from './cluster/resolver.ts';
import { bundleResolver } from './bundles/resolver.ts';
import { gitResolver } from './git/resolver.ts';
import { httpResolver } from './http/resolver.ts';
import { hubResolver } from './hub/resolver.ts';
import { shippedConfig } from './defaults.ts';
import { paramsOf } from './params.ts';
import type { ConfigData, Resolver, ResolverType } from './resolver.ts';

const none = undefined as never;
const resolvers: Readonly<Record<ResolverType, Resolver>> = {
  bundles: bundleResolver({ registries: none, credentials: none }),
  cluster: clusterResolver(none),
  git: gitResolver({ remote: none, secrets: none, systemNamespace: 'tekton' }),
  http: httpResolver(none, none),
  hub: hubResolver(none, { artifactHub: '', tektonHub: '' }),
};

type Params = Readonly<Record<string, string>>;

function prepare(type: ResolverType, params: Params, config: ConfigData = {}) {
  const named = Object.entries(params).map(([name, value]) => ({ name, value }));
  return resolvers[type].prepare({ namespace: 'team', params: named }, { ...shippedConfig[type], ...config });
}

describe('params that cannot be worked with', () => {
  const file = { pathInRepo: 'a.yaml' };
  it.each<[type: ResolverType, params: Params, message: string, config?: ConfigData]>([
    ['git', { url: 'https://example.com/a' }, 'missing required git resolver params: pathInRepo'],
    ['git', { ...file, url: 'https://example.com/a', repo: 'b' }, "cannot specify both 'url' and 'repo'"],
    ['git', file, "must specify one of 'url' or 'repo'", { 'default-url': '' }],
    ['git', { ...file, repo: 'b' }, "'org' is required when 'repo' is specified"],
    ['git', { ...file, url: 'foo' }, 'invalid git repository url: foo'],
    ['git', { ...file, url: 'git@github.com:a/b' }, 'write https://HOST/REPOSITORY'],
    ['git', { ...file, url: 'ssh://me:secret@example.com/a' }, 'invalid git repository url: ssh://example.com/a:'],
    ['git', { ...file, url: 'file:///etc' }, 'invalid git repository url: file:///etc'],
    [
      'git',
      { ...file, revision: '--upload-pack=touch' },
      'invalid revision "--upload-pack=touch": must not begin with \'-\'',
    ],
    ['git', { ...file, revision: 'a\nwant b' }, 'cannot be the name of a branch, tag or commit'],
    [
      'git',
      { pathInRepo: '../../../../etc/passwd' },
      'invalid path "../../../../etc/passwd": must not contain \'..\' components',
    ],
    ['git', { ...file, configKey: 'x' }, 'no git resolver configuration found for configKey x'],
    ['git', file, 'key a.b.c passed in git resolver configmap is invalid', { 'a.b.c': '' }],
    [
      'git',
      { ...file, repo: 'b', org: 'a', serverURL: 'https://evil.example.com' },
      'the system token cannot be sent to a non-default server URL',
    ],
    ['git', { ...file, repo: 'b', org: 'a', scmType: 'svn' }, 'scmType "svn" is not supported; use github, gitlab'],
    ['hub', { name: 'a', version: '1', url: 'https://me:secret@hub.example.com' }, 'url holds credentials'],
    ['http', {}, 'missing required http resolver params: url'],
    ['http', { url: 'ftp://example.com/a' }, 'url ftp://example.com/a is not a valid http(s) url'],
    ['http', { url: 'nonsense' }, 'cannot parse url nonsense'],
    ['http', { url: 'https://me:secret@example.com/a' }, 'url https://example.com holds credentials'],
    [
      'http',
      { url: 'https://example.com', 'http-username': 'a' },
      'missing required param http-password-secret when using http-username',
    ],
    [
      'http',
      { url: 'https://example.com', 'http-password-secret': 'a' },
      'missing required param http-username when using http-password-secret',
    ],
    [
      'http',
      { url: 'https://example.com', 'http-username': '', 'http-password-secret': 'a' },
      'value http-username cannot be empty',
    ],
    ['http', { url: 'https://example.com', digest: 'abc' }, 'invalid digest format: abc'],
    ['http', { url: 'https://example.com', digest: 'md5:abc' }, 'invalid digest algorithm: md5'],
    [
      'http',
      { url: 'https://example.com', digest: 'sha256:abc' },
      'invalid sha256 digest value, expected length: 64, got: 3',
    ],
    ['hub', { name: 'git-clone' }, 'failed to validate params: missing required hub resolver params: version'],
    ['hub', { version: '0.9' }, 'failed to validate params: missing required hub resolver params: name'],
    [
      'hub',
      { name: 'a', version: '1', kind: 'pod', catalog: 'c' },
      'kind param must be one of: task, pipeline, stepaction',
    ],
    ['hub', { name: 'a', version: '1', type: 'docker', catalog: 'c' }, 'type param must be artifact or tekton'],
    [
      'hub',
      { name: 'a', version: '1', type: 'tekton' },
      'please configure TEKTON_HUB_API env variable to use tekton type',
    ],
    [
      'hub',
      { name: 'a', version: '1', url: 'ftp://x' },
      'invalid url param: url must use http or https scheme: ftp://x',
    ],
    [
      'hub',
      { name: 'a', version: '1' },
      'artifact-hub-urls in ConfigMap hubresolver-config is no list of texts',
      { 'artifact-hub-urls': 'a: b' },
    ],
    ['hub', { name: 'a', version: '1', kind: 'stepaction' }, 'failed to resolve catalog name with kind: stepaction'],
    ['bundles', { name: 'a' }, 'parameter "bundle" required'],
    ['bundles', { bundle: 'gcr.io/a/b' }, 'parameter "name" required'],
    ['bundles', { bundle: 'gcr.io/A/b', name: 'a' }, 'invalid bundle reference: image "gcr.io/A/b"'],
    ['cluster', { name: 'a' }, 'missing required cluster resolver params: namespace'],
    ['cluster', { namespace: 'a' }, 'missing required cluster resolver params: name'],
    ['cluster', { name: 'a', namespace: 'b', kind: 'pod' }, "unknown or unsupported resource kind 'pod'"],
    ['cluster', { name: '../../secrets/x', namespace: 'b' }, 'they must be names of objects'],
    [
      'cluster',
      { name: 'a', namespace: 'b' },
      'access to specified namespace b is blocked',
      { 'blocked-namespaces': 'a, b' },
    ],
    [
      'cluster',
      { name: 'a', namespace: 'b' },
      'only explicit allowed access to namespaces is allowed',
      { 'blocked-namespaces': '*' },
    ],
    [
      'cluster',
      { name: 'a', namespace: 'b' },
      'access to specified namespace b is not allowed',
      { 'allowed-namespaces': 'a' },
    ],
    [
      'cluster',
      { name: 'a', namespace: 'b' },
      'access to specified namespace b is blocked',
      { 'allowed-namespaces': 'b', 'blocked-namespaces': 'b' },
    ],
  ])('%s with %j: %s', (type, params, message, config) => {
    expect(() => prepare(type, params, config)).toThrow(message);
  });
});

describe('what is the same for ever', () => {
  const commit = 'a'.repeat(40);
  it.each<[type: ResolverType, params: Params, immutable: boolean]>([
    ['git', { pathInRepo: 'a', revision: commit }, true],
    ['git', { pathInRepo: 'a', revision: 'a'.repeat(64) }, true],
    ['git', { pathInRepo: 'a', revision: 'a'.repeat(39) }, false],
    ['git', { pathInRepo: 'a', revision: 'main' }, false],
    ['bundles', { bundle: `gcr.io/a/b@sha256:${'a'.repeat(64)}`, name: 'a' }, true],
    ['bundles', { bundle: 'gcr.io/a/b:1.0', name: 'a' }, false],
    ['http', { url: 'https://example.com/a', digest: `sha256:${'a'.repeat(64)}` }, true],
    ['http', { url: 'https://example.com/a' }, false],
    ['hub', { name: 'a', version: '0.9' }, false],
    ['cluster', { name: 'a', namespace: 'b' }, false],
  ])('%s %j: %j', (type, params, immutable) => {
    expect(prepare(type, params).immutable).toBe(immutable);
  });
});

describe('what is kept apart in the cache', () => {
  it.each<[type: ResolverType, params: Params, changes: Params[]]>([
    [
      'git',
      { pathInRepo: 'a', revision: 'b', url: 'https://example.com/c' },
      [{ pathInRepo: 'x' }, { revision: 'x' }, { url: 'https://example.com/x' }],
    ],
    [
      'git',
      { pathInRepo: 'a', revision: 'b', repo: 'c', org: 'd', token: 't' },
      [{ repo: 'x' }, { org: 'x' }, { scmType: 'gitlab' }, { serverURL: 'https://x' }],
    ],
    [
      'http',
      { url: 'https://example.com/a' },
      [{ url: 'https://example.com/b' }, { digest: `sha256:${'a'.repeat(64)}` }],
    ],
    [
      'hub',
      { name: 'a', version: '1' },
      [{ name: 'b' }, { version: '2' }, { catalog: 'c' }, { url: 'https://x' }, { kind: 'pipeline' }],
    ],
    ['bundles', { bundle: 'a', name: 'b' }, [{ bundle: 'c' }, { bundle: 'a:1' }, { name: 'c' }, { kind: 'pipeline' }]],
    ['cluster', { name: 'a', namespace: 'b' }, [{ name: 'c' }, { namespace: 'c' }, { kind: 'pipeline' }]],
  ])('%s %j', (type, params, changes) => {
    const keys = [params, ...changes.map((change) => ({ ...params, ...change }))].map(
      (each) => prepare(type, each).cacheKey,
    );
    expect(new Set(keys).size).toBe(changes.length + 1);
  });
});

describe('an address in the place of a name', () => {
  const address = 'https://example.com/task.yaml';
  it('is the url of the http resolver', () => {
    expect(paramsOf('http', [{ name: 'digest', value: 'x' }], address)).toEqual([
      { name: 'digest', value: 'x' },
      { name: 'url', value: address },
    ]);
  });

  it('changes nothing when there is none', () => {
    expect(paramsOf('git', [], undefined)).toEqual([]);
    expect(paramsOf('git', [], '')).toEqual([]);
  });

  it.each<[type: ResolverType, params: Params, message: string]>([
    ['git', {}, 'only resolver http takes an address in the place of its params'],
    ['bundles', {}, 'the reference has the name "https://example.com/task.yaml" beside resolver bundles'],
    ['http', { url: 'https://example.com/other.yaml' }, "an address for a name and a param 'url'"],
  ])('is refused: %s %j', (type, params, message) => {
    const named = Object.entries(params).map(([name, value]) => ({ name, value }));
    expect(() => paramsOf(type, named, address)).toThrow(message);
  });
});
