import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../../http/client.ts';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../../http/http-server.fake.ts';
import { RemoteFetch } from '../remote.ts';
import { ResolutionError, largestDefinition, type ConfigData } from '../resolver.ts';
import { httpResolver } from './resolver.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function serving(answer: (request: SeenRequest) => FakeAnswer): Promise<FakeServer> {
  const server = await startServer(answer);
  open.push(() => server.close());
  return server;
}

const anywhere = { 'block-private-ips': 'false' };
const task = 'apiVersion: tekton.dev/v1\nkind: Task\n';
const sha256 = createHash('sha256').update(task).digest('hex');

async function resolve(params: Readonly<Record<string, string>>, config: ConfigData = anywhere) {
  const client = new HttpClient();
  open.push(() => client.close());
  const secrets = { value: ({ name, key }: { name: string; key: string }) => Promise.resolve(`${name}-${key}`) };
  const named = Object.entries(params).map(([name, value]) => ({ name, value }));
  const signal = AbortSignal.timeout(20_000);
  const prepared = httpResolver(new RemoteFetch(client), secrets).prepare({ namespace: 'team', params: named }, config);
  return (await prepared.unlock(signal)).fetch(signal);
}

describe('a definition at an address', () => {
  it('comes with its digest', async () => {
    const server = await serving(() => ({ body: task }));
    const url = `${server.url}/task.yaml`;
    const sha512 = createHash('sha512').update(task).digest('hex');
    for (const digest of [{ digest: `sha256:${sha256.toUpperCase()}` }, { digest: `sha512:${sha512}` }])
      expect(await resolve({ url, ...digest })).toEqual({
        data: Buffer.from(task),
        annotations: {},
        refSource: { uri: url, digest: { sha256 } },
      });
  });

  it("is asked for with the user and the password of the run's secret", async () => {
    const server = await serving(({ headers }) => ({ body: headers.authorization ?? 'nobody' }));
    const login = { 'http-username': 'me', 'http-password-secret': 'mine' };
    const asked = async (params: Readonly<Record<string, string>>) =>
      Buffer.from((await resolve({ url: server.url, ...params })).data.toString().slice(6), 'base64').toString();
    expect(await asked(login)).toBe('me:mine-password');
    expect(await asked({ ...login, 'http-password-secret-key': 'other' })).toBe('me:mine-other');
  });

  it('keeps credentials from where the server leads', async () => {
    const other = await serving(({ headers }) => ({ body: headers.authorization ?? 'nobody' }));
    const server = await serving(() => ({ status: 302, headers: { location: other.url } }));
    const found = await resolve({ url: server.url, 'http-username': 'me', 'http-password-secret': 'mine' });
    expect(found.data.toString()).toBe('nobody');
  });
});

describe('what cannot be had', () => {
  it.each<[what: string, answer: FakeAnswer, params: Record<string, string>, message: RegExp, retryable: boolean]>([
    [
      'missing',
      { status: 404 },
      {},
      /^requested URL 'http:\/\/127.0.0.1:\d+\/a' is not found: .* answered 404; correct the address/,
      false,
    ],
    ['refused', { status: 401 }, {}, /answered 401 .* it wants other credentials/, false],
    ['away', { status: 503 }, {}, /answered 503/, true],
    [
      'too large',
      { body: Buffer.alloc(largestDefinition + 1) },
      {},
      /exceeds maximum allowed size of 1048576 bytes/,
      false,
    ],
    [
      'another',
      { body: 'other' },
      { digest: `sha256:${sha256}` },
      /^error validating digest: SHA mismatch, expected .*, got .*; what .* serves is not what/,
      false,
    ],
  ])('%s', async (_what, answer, params, message, retryable) => {
    const server = await serving(() => answer);
    const error = await resolve({ url: `${server.url}/a?token=hunter2`, ...params }).catch(
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(ResolutionError);
    expect((error as ResolutionError).message).toMatch(message);
    expect((error as ResolutionError).message).not.toContain('hunter2');
    expect((error as ResolutionError).retryable).toBe(retryable);
  });

  it.each<[what: string, url: string]>([
    ['loopback', 'http://127.0.0.1:9/a'],
    ['loopback by name', 'http://localhost:9/a'],
    ['loopback as one number', 'http://2130706433:9/a'],
    ['loopback of IPv6', 'http://[::1]:9/a'],
    ['IPv4 in IPv6', 'http://[::ffff:127.0.0.1]:9/a'],
    ['link-local', 'http://169.254.1.1/a'],
    ['a cluster', 'http://10.96.0.1/a'],
    ['private', 'http://192.168.1.1/a'],
  ])('on a %s address, for the operator does not allow it', async (_what, url) => {
    await expect(resolve({ url }, {})).rejects.toThrow(
      /an internal address: it is not asked; the operator can allow it/,
    );
  });

  it.each(['169.254.169.254', '[fd00:ec2::254]', '100.100.100.200'])(
    'on metadata server %s, whoever allows it',
    async (host) => {
      await expect(resolve({ url: `http://${host}/latest` })).rejects.toThrow(/is a metadata server: it is not asked/);
      await expect(resolve({ url: `http://${host}/latest` }, { 'allowed-private-hosts': host })).rejects.toThrow(
        /metadata/,
      );
    },
  );

  it('where an allowed host leads inside', async () => {
    const server = await serving(() => ({ status: 302, headers: { location: 'http://127.0.0.2:9/secrets' } }));
    await expect(resolve({ url: server.url }, { 'allowed-private-hosts': '127.0.0.1' })).rejects.toThrow(
      /127.0.0.1 leads to 127.0.0.2:9, which is an internal address/,
    );
  });
});

describe('hosts that an operator allows', () => {
  it.each<[setting: string, allowed: boolean]>([
    ['localhost', true],
    ['git.example.com, LOCALHOST', true],
    ['*.example.com', false],
    ['local', false],
    ['', false],
  ])('%j: %j', async (setting, allowed) => {
    const server = await serving(() => ({ body: task }));
    const url = server.url.replace('127.0.0.1', 'localhost');
    const found = resolve({ url }, { 'allowed-private-hosts': setting });
    if (allowed) expect((await found).data.toString()).toBe(task);
    else await expect(found).rejects.toThrow(/it is not asked/);
  });
});
