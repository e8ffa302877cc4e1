import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../certificate.fake.ts';
import { parseChallenge, parseChallenges } from './challenge.ts';
import { Registries } from './client.ts';
import { digestOf } from './digest.ts';
import type { RegistryCredentials } from './keychain.ts';
import { HurriedClock, ScriptedServer, type Heard, type Reply } from './registry.fake.ts';
import { fallbackTag } from './referrers.ts';
import type { RepositoryAccess } from './repository.ts';
import type { RegistryExchange } from './transport.ts';

const signal = AbortSignal.timeout(20_000);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const bot: RegistryCredentials = { username: 'bot', password: 'secret' };
const manifest = '{"schemaVersion":2}';

let server: ScriptedServer;
let other: ScriptedServer;
let clock: HurriedClock;
let exchanges: RegistryExchange[];

beforeEach(async () => {
  [server, other] = [await ScriptedServer.start(), await ScriptedServer.start()];
  clock = new HurriedClock();
  exchanges = [];
});
afterEach(async () => {
  await Promise.all([server.stop(), other.stop()]);
});

/** A mirror, because that says where a registry is: no ping. */
function registries(url = `http://${server.host}`, options = {}): Registries {
  return new Registries({
    mirrors: { 'reg.example': url },
    clock,
    random: () => 0.5,
    onExchange: (exchange) => exchanges.push(exchange),
    ...options,
  });
}
const repository = (credentials?: RegistryCredentials, access: RepositoryAccess = 'pull', from = registries()) =>
  from.repository('reg.example', 'team/app', { credentials, access });
const ok: Reply = {
  status: 200,
  headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
  body: manifest,
};

describe('challenges', () => {
  it.each([
    ['Basic realm="r"', { scheme: 'basic', parameters: { realm: 'r' } }],
    ['Bearer realm=https://a/t,service=s', { scheme: 'bearer', parameters: { realm: 'https://a/t', service: 's' } }],
    [
      'Basic realm="a, b", Bearer realm="https://t",scope="repository:x:pull,push"',
      { scheme: 'bearer', parameters: { realm: 'https://t', scope: 'repository:x:pull,push' } },
    ],
    ['Bearer realm="a\\"b"', { scheme: 'bearer', parameters: { realm: 'a"b' } }],
    ['', { scheme: '', parameters: {} }],
  ])('%s', (header, wanted) => expect(parseChallenge(header)).toEqual(wanted));

  it('are all found', () => {
    expect(parseChallenges('Negotiate, Basic realm="x"').map(({ scheme }) => scheme)).toEqual(['negotiate', 'basic']);
  });
});

describe('authorization', () => {
  /** A registry with a token server of its own on another port; tokens are `T1`, `T2`… for the scopes asked. */
  function withTokens(
    check: (heard: Heard) => Reply | undefined = () => undefined,
    life?: number,
  ): { good: Set<string> } {
    const good = new Set<string>();
    let count = 0;
    other.answer = (heard) => {
      const refusal = check(heard);
      if (refusal) return refusal;
      const token = `T${(count += 1)}`;
      good.add(`Bearer ${token}`);
      return { status: 200, body: { token, ...(life ? { expires_in: life } : {}) } };
    };
    server.answer = ({ headers }) =>
      good.has(headers.authorization ?? '')
        ? ok
        : {
            status: 401,
            headers: {
              'www-authenticate': `Bearer realm="http://${other.host}/token?account=a",service="reg",scope="repository:team/app:pull"`,
            },
          };
    return { good };
  }

  it('sends basic credentials only where they are asked for, then at once', async () => {
    server.answer = ({ headers }) =>
      headers.authorization === `Basic ${base64('bot:secret')}`
        ? ok
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    const app = repository(bot);
    for (let round = 0; round < 2; round += 1) await app.getManifest('1', signal);
    expect(server.heard.map(({ headers }) => headers.authorization !== undefined)).toEqual([false, true, true]);
  });

  it.each([
    ['without credentials', undefined, 1],
    ['with wrong ones', bot, 2],
  ])('gives a basic 401 back %s', async (_, credentials, requests) => {
    server.answer = () => ({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="r"' },
      body: { errors: [{ code: 'UNAUTHORIZED', message: 'who?' }] },
    });
    await expect(repository(credentials).getManifest('1', signal)).rejects.toMatchObject({
      status: 401,
      isDenied: true,
      message: `${server.host} answered 401: UNAUTHORIZED`,
    });
    expect(server.heard).toHaveLength(requests);
  });

  it('fetches one token for each scope, and keeps it', async () => {
    withTokens();
    const all = registries();
    const [reader, writer] = [repository(bot, 'pull', all), repository(bot, 'push', all)];
    for (let round = 0; round < 3; round += 1) {
      await reader.getManifest('1', signal);
      await writer.getManifest('1', signal);
    }
    expect(other.heard.map(({ query }) => [query.get('account'), query.get('service'), query.getAll('scope')])).toEqual(
      [
        ['a', 'reg', ['repository:team/app:pull']],
        ['a', 'reg', ['repository:team/app:pull,push']],
      ],
    );
    expect(new Set(other.heard.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Basic ${base64('bot:secret')}`]),
    );
  });

  it('fetches one token for many requests at the same time', async () => {
    withTokens();
    const app = repository(bot);
    await app.getManifest('1', signal);
    clock.now = () => new Date('2027-01-01');
    await Promise.all(Array.from({ length: 10 }, () => app.getManifest('1', signal)));
    expect(other.heard).toHaveLength(2);
  });

  it('asks without credentials when there are none', async () => {
    withTokens();
    await repository().getManifest('1', signal);
    expect(other.heard.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('renews a token before it ends, and one that was revoked', async () => {
    const { good } = withTokens(undefined, 100);
    const app = repository(bot);
    await app.getManifest('1', signal);
    await clock.sleep(89_000);
    await app.getManifest('1', signal);
    expect(other.heard).toHaveLength(1);
    await clock.sleep(2_000);
    await app.getManifest('1', signal);
    expect(other.heard).toHaveLength(2);
    good.clear();
    await app.getManifest('1', signal);
    expect(other.heard).toHaveLength(3);
  });

  it('asks for what else the registry names', async () => {
    withTokens();
    server.answer = ({ headers }) =>
      headers.authorization === 'Bearer T2'
        ? ok
        : {
            status: 401,
            headers: {
              'www-authenticate': `Bearer realm="http://${other.host}/token",error="insufficient_scope",scope="repository:base:pull"`,
            },
          };
    // The challenge names it, so it is asked for at once; here the first token is not enough.
    await repository(bot, 'push').getManifest('1', signal);
    expect(other.heard.at(-1)?.query.getAll('scope')).toEqual([
      'repository:team/app:pull,push',
      'repository:base:pull',
    ]);
  });

  it('exchanges an identity token (OAuth2)', async () => {
    withTokens(({ method, body }) =>
      method === 'POST' && new URLSearchParams(body).get('refresh_token') === 'R' ? undefined : { status: 400 },
    );
    await repository({ username: '', password: '', identityToken: 'R' }, 'push').getManifest('1', signal);
    expect(Object.fromEntries(new URLSearchParams(other.heard[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'R',
      service: 'reg',
      client_id: 'tektite',
      scope: 'repository:team/app:pull,push',
    });
    expect(other.heard[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('uses the password grant where tokens cannot be had by GET', async () => {
    withTokens(({ method }) => (method === 'GET' ? { status: 404 } : undefined));
    await repository(bot).getManifest('1', signal);
    expect(Object.fromEntries(new URLSearchParams(other.heard[1]?.body))).toMatchObject({
      grant_type: 'password',
      username: 'bot',
      password: 'secret',
    });
  });

  it('sends a registry token as it is', async () => {
    server.answer = ({ headers }) =>
      headers.authorization === 'Bearer given'
        ? ok
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    await repository({ username: '', password: '', registryToken: 'given' }).getManifest('1', signal);
    expect(server.heard).toHaveLength(1);
  });

  it('passes on nothing that the token server says but its status', async () => {
    withTokens(() => ({ status: 401, body: { details: 'incorrect username or password' } }));
    await expect(repository(bot).getManifest('1', signal)).rejects.toMatchObject({
      status: 401,
      message: `${other.host} answered 401`,
    });
  });

  it('keeps the tokens of two accounts apart', async () => {
    withTokens();
    const all = registries();
    await repository(bot, 'pull', all).getManifest('1', signal);
    await repository({ username: 'eve', password: 'x' }, 'pull', all).getManifest('1', signal);
    expect(other.heard.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${base64('bot:secret')}`,
      `Basic ${base64('eve:x')}`,
    ]);
  });
});

describe('redirects', () => {
  it('are followed to another host without the credentials', async () => {
    const blob = 'content';
    server.answer = ({ headers }): Reply =>
      headers.authorization
        ? { status: 307, headers: { location: `http://${other.host}/storage?signature=s` } }
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    other.answer = () => ({ status: 200, body: blob });
    expect((await repository(bot).getBlob(digestOf(Buffer.from(blob)), signal)).toString()).toBe(blob);
    expect(other.heard.map(({ path: where, headers }) => [where, headers.authorization])).toEqual([
      ['/storage', undefined],
    ]);
  });

  it("do not make another host's 401 ask for our credentials", async () => {
    server.answer = () => ({ status: 307, headers: { location: `http://${other.host}/storage` } });
    other.answer = () => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="http://${other.host}/token"` },
    });
    await expect(repository(bot).getManifest('1', signal)).rejects.toMatchObject({ status: 401 });
    expect(other.lines).toEqual(['GET /storage']);
  });

  it('end some time', async () => {
    server.answer = () => ({ status: 302, headers: { location: '/again' } });
    await expect(repository().getManifest('1', signal)).rejects.toThrow('redirects without end');
  });
});

describe('retries', () => {
  it.each<[string, Reply, number[]]>([
    ['503', { status: 503 }, [150]],
    ['500', { status: 500 }, [150]],
    ['a broken connection', { status: 0, reset: true }, [150]],
    ['429 after the seconds it asks for', { status: 429, headers: { 'retry-after': '7' } }, [7000]],
  ])('after %s', async (_, first, slept) => {
    server.answer = () => (server.heard.length === 1 ? first : ok);
    await repository().getManifest('1', signal);
    expect(clock.slept).toEqual(slept);
    expect(exchanges.map(({ status, operation, method }) => [status, operation, method])).toEqual([
      [first.status, 'manifest', 'GET'],
      [200, 'manifest', 'GET'],
    ]);
  });

  it('end after four tries, with the last answer', async () => {
    server.answer = () => ({ status: 502, body: 'bad gateway' });
    await expect(repository().getManifest('1', signal)).rejects.toMatchObject({
      status: 502,
      isFinal: false,
      message: `${server.host} answered 502`,
    });
    expect(server.heard).toHaveLength(4);
    expect(clock.slept).toEqual([150, 450, 1350]);
  });

  it.each([400, 403, 404, 405, 413])('are not made after %i', async (status) => {
    server.answer = () => ({ status, body: { errors: [{ code: 'DENIED', message: 'no' }] } });
    await expect(repository().getManifest('1', signal)).rejects.toMatchObject({
      status,
      isFinal: true,
      message: `${server.host} answered ${status}: DENIED`,
    });
    expect(server.heard).toHaveLength(1);
  });
});

describe('content', () => {
  it('is checked against the digest asked for', async () => {
    server.answer = () => ({ status: 200, body: 'forged' });
    const digest = digestOf(Buffer.from('real'));
    await expect(repository().getBlob(digest, signal)).rejects.toThrow(
      `reg.example/team/app: the blob that the registry gives for ${digest} has another digest`,
    );
    await expect(repository().getManifest(digest, signal)).rejects.toThrow('has another digest');
  });

  it('is read up to a limit', async () => {
    server.answer = () => ({ status: 200, body: 'x'.repeat(1001) });
    await expect(repository().getBlob('sha256:any', signal, 1000)).rejects.toThrow('more than 1000 bytes');
  });

  it('is uploaded where the registry says, relative or absolute, with its state kept', async () => {
    server.answer = ({ method, path: where }) => {
      if (method === 'POST') return { status: 202, headers: { location: '/uploads/1?_state=s%3D' } };
      return where === '/uploads/1' ? { status: 201 } : { status: 404 };
    };
    const digest = await repository(undefined, 'push').pushBlob(Buffer.from('data'), signal);
    expect(digest).toBe(digestOf(Buffer.from('data')));
    expect(server.heard[1]).toMatchObject({
      method: 'PUT',
      path: '/uploads/1',
      body: 'data',
      headers: { 'content-type': 'application/octet-stream', 'content-length': '4' },
    });
    expect(Object.fromEntries(server.heard[1]?.query ?? [])).toEqual({ _state: 's=', digest });
  });

  it('counts as uploaded when the answer got lost but the blob is there', async () => {
    server.answer = ({ method }) => {
      if (method === 'POST') return { status: 202, headers: { location: '/uploads/1' } };
      if (method === 'HEAD') return { status: 200 };
      return server.heard.filter((one) => one.method === 'PUT').length === 1
        ? { status: 0, reset: true }
        : { status: 404 };
    };
    await expect(repository(undefined, 'push').pushBlob(Buffer.from('data'), signal)).resolves.toMatch(/^sha256:/);
  });

  it('reads referrers page by page, or from the fallback tag', async () => {
    const digest = digestOf(Buffer.from('image'));
    const index = (name: string) => JSON.stringify({ schemaVersion: 2, manifests: [{ digest: name }] });
    const headers = { 'content-type': 'application/vnd.oci.image.index.v1+json' };
    server.answer = ({ query }) =>
      query.get('page') === '2'
        ? { status: 200, headers, body: index('b') }
        : {
            status: 200,
            headers: { ...headers, link: `</v2/team/app/referrers/${digest}?page=2>; rel="next"` },
            body: index('a'),
          };
    expect(await repository().referrers(digest, signal)).toEqual({
      api: true,
      descriptors: [{ digest: 'a' }, { digest: 'b' }],
    });
    server.answer = ({ path: where }) =>
      where.endsWith(`/manifests/${fallbackTag(digest)}`)
        ? { status: 200, headers, body: index('c') }
        : { status: 404 };
    expect(await repository().referrers(digest, signal)).toEqual({ api: false, descriptors: [{ digest: 'c' }] });
    server.answer = () => ({ status: 404 });
    expect(await repository().referrers(digest, signal)).toEqual({ api: false, descriptors: [] });
  });
});

describe('where a registry listens', () => {
  const tls = selfSigned({ commonName: 'registry', names: 'IP:127.0.0.1' });

  it('is plain HTTP on loopback when nothing speaks TLS there', async () => {
    server.answer = () => ok;
    await new Registries({ clock }).repository(server.host, 'x', { access: 'pull' }).getManifest('1', signal);
    expect(server.lines).toEqual(['GET /v2/', 'GET /v2/x/manifests/1']);
  });

  it('is TLS with a certificate of our own authority', async () => {
    const secure = await ScriptedServer.start(tls);
    secure.answer = () => ok;
    await new Registries({ clock, ca: [tls.cert] })
      .repository(secure.host, 'x', { access: 'pull' })
      .getManifest('1', signal);
    await new Registries({ clock })
      .repository(secure.host, 'x', { access: 'pull', insecure: true })
      .getManifest('1', signal);
    expect(secure.lines.filter((line) => line !== 'GET /v2/')).toEqual([
      'GET /v2/x/manifests/1',
      'GET /v2/x/manifests/1',
    ]);
    await expect(
      new Registries({ clock }).repository(secure.host, 'x', { access: 'pull' }).getManifest('1', signal),
    ).rejects.toThrow(/cannot be reached: .*self.signed certificate/);
    await secure.stop();
  });

  it('is not left for plain HTTP, nor are credentials sent in the clear, unless insecure', async () => {
    const secure = await ScriptedServer.start(tls);
    const all = new Registries({ clock, ca: [tls.cert] });
    secure.answer = ({ path: where }) =>
      where === '/v2/' ? { status: 200 } : { status: 307, headers: { location: `http://${other.host}/x` } };
    await expect(all.repository(secure.host, 'x', { access: 'pull' }).getManifest('1', signal)).rejects.toThrow(
      /^registry \S+ redirects from TLS to http:\S+ which is not followed; it must redirect to https$/,
    );
    secure.answer = ({ path: where }) =>
      where === '/v2/'
        ? { status: 200 }
        : { status: 401, headers: { 'www-authenticate': `Bearer realm="http://${other.host}/token"` } };
    await expect(
      all.repository(secure.host, 'x', { access: 'pull', credentials: bot }).getManifest('1', signal),
    ).rejects.toThrow('wants credentials sent in the clear');
    expect(other.heard).toEqual([]);
    await secure.stop();
  });

  it("mends upload locations that say http behind the registry's TLS proxy", async () => {
    const secure = await ScriptedServer.start(tls);
    secure.answer = ({ method }) =>
      method === 'POST'
        ? { status: 202, headers: { location: `http://${secure.host}/uploads/1` } }
        : { status: method === 'PUT' ? 201 : 200 };
    await new Registries({ clock, ca: [tls.cert] })
      .repository(secure.host, 'x', { access: 'push' })
      .pushBlob(Buffer.from('d'), signal);
    expect(secure.lines.at(-1)).toBe('PUT /uploads/1');
    await secure.stop();
  });
});
