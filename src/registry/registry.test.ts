import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/api-error.ts';
import { parseChallenge } from './challenge.ts';
import { registryUrl } from './client.ts';
import { createImageLookup } from './image-lookup.ts';
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

describe('createImageLookup', () => {
  let server: Server;
  let address = '';
  const asked: string[] = [];
  const blobs: Record<string, unknown> = {
    'manifests/multi': {
      manifests: [
        { digest: 'sha256:one', platform: { os: 'linux', architecture: 'amd64' } },
        { digest: 'sha256:att', platform: { os: 'unknown', architecture: 'unknown' } },
      ],
    },
    'manifests/sha256:one': { config: { digest: 'sha256:config' } },
    'blobs/sha256:config': {
      os: 'linux',
      architecture: 'amd64',
      config: { Entrypoint: ['/bin/app'], Cmd: ['--help'] },
    },
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const url = request.url ?? '';
      asked.push(url);
      if (url.startsWith('/token')) {
        const good =
          request.headers.authorization === `Basic ${base64('bot:right')}` &&
          url.includes('scope=repository%3Ateam%2Fapp%3Apull');
        return response.writeHead(good ? 200 : 403).end(JSON.stringify({ token: 'T' }));
      }
      if (request.headers.authorization !== 'Bearer T') {
        return response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${address}/token",service="s"` })
          .end();
      }
      const found = blobs[url.replace('/v2/team/app/', '')];
      if (!found)
        return response
          .writeHead(404)
          .end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }));
      return response.writeHead(200, { 'docker-content-digest': digest }).end(JSON.stringify(found));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const objects = () => ({
    'ns/sa': { imagePullSecrets: [{ name: 'pull' }, { name: 'gone' }] },
    'ns/pull': {
      data: { '.dockerconfigjson': base64({ auths: { [address]: { username: 'bot', password: 'right' } } }) },
    },
  });
  const lookup = () =>
    createImageLookup({
      client: {
        get: (_resource: unknown, namespace: string, name: string) => {
          const found = (objects() as Record<string, unknown>)[`${namespace}/${name}`];
          return found
            ? Promise.resolve(found)
            : Promise.reject(new ApiError(404, { reason: 'NotFound', message: 'not found' }));
        },
      } as unknown as Pick<KubeClient, 'get'>,
    });
  const asker = { namespace: 'ns', serviceAccountName: 'sa', imagePullSecrets: [] };

  it('reads every platform with the ServiceAccount credentials, once per digest', async () => {
    const ask = lookup();
    const signal = AbortSignal.timeout(5000);
    const wanted = { digest, commands: { 'linux/amd64': ['/bin/app'] }, defaultArgs: { 'linux/amd64': ['--help'] } };
    expect(await ask(`${address}/team/app:multi`, asker, signal)).toEqual(wanted);
    const configReads = () => asked.filter((url) => url.includes('sha256:config')).length;
    expect(configReads()).toBe(1);
    expect(await ask(`${address}/team/app:multi`, asker, signal)).toEqual(wanted);
    expect(configReads()).toBe(1);
  });

  it("fails with the registry's words", async () => {
    await expect(lookup()(`${address}/team/app:none`, asker, AbortSignal.timeout(5000))).rejects.toThrow(
      `${address} answered 404: MANIFEST_UNKNOWN: manifest unknown`,
    );
  });

  it('says when a registry cannot be reached', async () => {
    await expect(lookup()('127.0.0.1:1/x', asker, AbortSignal.timeout(5000))).rejects.toThrow(
      'registry http://127.0.0.1:1 cannot be reached',
    );
  });
});
