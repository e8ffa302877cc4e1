import { describe, expect, it } from 'vitest';
import { parseChallenge } from './challenge.ts';
import { registryUrl } from './client.ts';
import { credentialsFor, keychainOfSecret } from './keychain.ts';
import { parseImageReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

describe('parseImageReference', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest'],
    ['me/app:1.2', 'docker.io', 'me/app', '1.2'],
    ['index.docker.io/library/x', 'docker.io', 'library/x', 'latest'],
    ['ghcr.io/a/b/c:tag', 'ghcr.io', 'a/b/c', 'tag'],
    ['localhost:5000/x:1', 'localhost:5000', 'x', '1'],
    [`mirror.gcr.io/ubuntu:22.04@${digest}`, 'mirror.gcr.io', 'ubuntu', digest],
  ])('%s', (image, host, repository, reference) => {
    expect(parseImageReference(image)).toMatchObject({ host, repository, reference });
  });

  it.each([
    ['Busybox', '"Busybox" is not a repository name'],
    ['x:bad tag', '"bad tag" is not a tag'],
    ['x@sha256:123', 'is not a digest'],
    ['', 'is not a repository name'],
  ])('refuses %j', (image, message) => expect(() => parseImageReference(image)).toThrow(message));
});

describe('registryUrl', () => {
  it.each([
    ['docker.io', {}, 'https://registry-1.docker.io'],
    ['ghcr.io', {}, 'https://ghcr.io'],
    ['registry.ci.svc.cluster.local:5000', {}, 'http://registry.ci.svc.cluster.local:5000'],
    ['10.1.2.3:5000', {}, 'http://10.1.2.3:5000'],
    ['docker.io', { '*': 'http://mirror:5000/' }, 'http://mirror:5000'],
    ['ghcr.io', { '*': 'http://all', 'ghcr.io': 'http://one' }, 'http://one'],
  ])('%s with %j', (host, mirrors, url) => expect(registryUrl(host, mirrors)).toBe(url));
});

describe('keychain', () => {
  const secret = (auths: object) => keychainOfSecret({ '.dockerconfigjson': base64({ auths }) });
  const chain = secret({
    'https://index.docker.io/v1/': { auth: base64('hub:secret') },
    'ghcr.io': { username: 'all', password: 'p' },
    'ghcr.io/team': { username: 'team', password: 'p' },
    '*.azurecr.io': { username: 'az', password: 'p' },
    'empty.io': {},
  });
  it.each([
    ['docker.io', 'library/x', 'hub'],
    ['ghcr.io', 'other/x', 'all'],
    ['ghcr.io', 'team/x', 'team'],
    ['ghcr.io', 'teammate/x', 'all'],
    ['mine.azurecr.io', 'x', 'az'],
    ['a.b.azurecr.io', 'x', undefined],
    ['empty.io', 'x', undefined],
  ])('%s/%s', (host, repository, user) => expect(credentialsFor([chain], host, repository)?.username).toBe(user));

  it('names the key that is not JSON', () => {
    expect(() => keychainOfSecret({ '.dockercfg': base64('{') })).toThrow('.dockercfg is not JSON');
  });
});

it('parses a challenge', () => {
  expect(parseChallenge('Bearer realm="https://a/token",service="r",scope="repository:x:pull"')).toEqual({
    scheme: 'bearer',
    parameters: { realm: 'https://a/token', service: 'r', scope: 'repository:x:pull' },
  });
});
