import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../http/client.ts';
import { startServer, type FakeServer } from '../http/http-server.fake.ts';
import { shippedConfig } from './defaults.ts';
import { gitResolver } from './git/resolver.ts';
import { httpResolver } from './http/resolver.ts';
import { hubResolver } from './hub/resolver.ts';
import { RemoteFetch } from './remote.ts';
import type { Resolver } from './resolver.ts';

/** Every resolver that goes to servers which users name, led inside in every way. */
const inside = '127.0.0.2';
let outer: FakeServer;
let inner: FakeServer;
beforeAll(async () => {
  inner = await startServer(() => ({ body: 'secret' }), inside);
  outer = await startServer(({ path }) => ({ status: 302, headers: { location: inner.url + path } }));
});
afterAll(() => Promise.all([outer.close(), inner.close()]));
beforeEach(() => {
  inner.requests.length = 0;
});

const secrets = { value: () => Promise.reject(new Error('no secrets')) };
const resolvers: Readonly<Record<'git' | 'http' | 'hub', (remote: RemoteFetch) => Resolver>> = {
  git: (remote) => gitResolver({ remote, secrets, systemNamespace: 'system' }),
  http: (remote) => httpResolver(remote, secrets),
  hub: (remote) => hubResolver(remote, { artifactHub: '', tektonHub: '' }),
};
const types = Object.keys(resolvers) as (keyof typeof resolvers)[];
const params = { pathInRepo: 'task.yaml', revision: 'main', name: 'task', version: '0.1' };

/** `addresses`: what the name server says of every name, one after the other. */
async function resolve(type: keyof typeof resolvers, url: string, addresses: string[], allowed = '') {
  const rest = [...addresses];
  const answer = () => Promise.resolve([(rest.length > 1 ? rest.shift() : rest[0]) ?? '']);
  const client = new HttpClient({ resolve: answer });
  try {
    const resolver = resolvers[type](new RemoteFetch(client));
    const given = Object.entries({ ...params, url }).map(([name, value]) => ({ name, value }));
    const config = { ...shippedConfig[type], 'allowed-private-hosts': allowed };
    const signal = AbortSignal.timeout(20_000);
    const prepared = resolver.prepare({ namespace: 'team', params: given }, config);
    return await (await prepared.unlock(signal)).fetch(signal);
  } finally {
    await client.close();
  }
}

describe.each(types)('resolver %s', (type) => {
  it('asks no internal address', async () => {
    await expect(resolve(type, inner.url, [inside])).rejects.toThrow(/an internal address: it is not asked/);
    expect(inner.requests).toEqual([]);
  });

  it('asks no internal address that a name means', async () => {
    const url = inner.url.replace(inside, 'inner.test');
    await expect(resolve(type, url, [inside])).rejects.toThrow(/an internal address: it is not asked/);
    expect(inner.requests).toEqual([]);
  });

  it('follows no allowed server to one that is not', async () => {
    outer.requests.length = 0;
    const led = resolve(type, outer.url.replace('127.0.0.1', 'outer.test'), ['127.0.0.1', inside], 'outer.test');
    await expect(led).rejects.toThrow(/leads to .*: it is not asked/);
    expect(outer.requests.length).toBeGreaterThan(0);
    expect(inner.requests).toEqual([]);
  });

  it('is not moved inside by a name server that changes its mind', async () => {
    const url = inner.url.replace(inside, 'evil.test');
    await expect(resolve(type, url, ['203.0.114.1', inside])).rejects.toThrow(/no public address any more/);
    expect(inner.requests).toEqual([]);
  });
});
