import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pushTinyImage } from '../../hack/sigstore/local-registry.ts';
import { freePorts, startService, stopServices } from '../../hack/sigstore/services.ts';
import { tool } from '../../hack/one-node/binaries.ts';
import { selfSigned } from '../../src/certificate.fake.ts';
import { imageSignaturePayload } from '../../src/chains/signing/bundle.ts';
import { createOciBackend, type OciBackendOptions } from '../../src/chains/storage/oci/backend.ts';
import { LeaseLock } from '../../src/chains/storage/oci/lease-lock.ts';
import type { ImageSubject } from '../../src/chains/types.ts';
import { FakeKubeClient } from '../../src/kube/client.fake.ts';
import { secrets, serviceAccounts } from '../../src/kube/resources.ts';
import { Registries } from '../../src/registry/client.ts';
import type { ImageManifest } from '../../src/registry/media-types.ts';
import { createCredentialSource } from '../../src/images/run-credentials.ts';
import { requestFor, signal, simpleSigning, statement } from './chains-signed.ts';

/** The oci backend against registries that want credentials, TLS, or offer the referrers API. */
let folder = '';
const supervision = () => ({ folder, outlive: false, signal });
const base64 = (text: string) => Buffer.from(text).toString('base64');

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-oci-access-'));
});
afterAll(async () => {
  await stopServices(folder);
  await rm(folder, { recursive: true, force: true });
});

/** distribution with settings of its own; `scheme` is what it speaks. */
async function startDistribution(name: string, settings: object, http: object = {}): Promise<string> {
  const [port] = await freePorts('127.0.0.1', 1);
  const host = `127.0.0.1:${port}`;
  const home = path.join(folder, name);
  await mkdir(home);
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: home } },
    http: { addr: host, ...http },
    ...settings,
  };
  await writeFile(path.join(home, 'config.json'), JSON.stringify(config));
  const argv = [await tool('registry'), 'serve', path.join(home, 'config.json')];
  const healthy = () =>
    fetch(`http://${host}/v2/`, { signal: AbortSignal.timeout(1000) }).then(
      () => undefined,
      (error: unknown) => String(error),
    );
  await startService({ name, argv, env: { OTEL_TRACES_EXPORTER: 'none' }, healthy }, supervision());
  return host;
}

const subjectOf = (host: string, repository: string): ImageSubject => ({
  repository: `${host}/${repository}`,
  digest: `sha256:${'a'.repeat(64)}`,
});

/** A cluster with a ServiceAccount `builder` and these secrets, by list. */
function cluster(lists: {
  secrets?: Record<string, object>;
  imagePullSecrets?: Record<string, object>;
}): FakeKubeClient {
  const client = new FakeKubeClient();
  const references = (found: Record<string, object> = {}) => Object.keys(found).map((name) => ({ name }));
  client.seed(serviceAccounts, {
    metadata: { namespace: 'ns', name: 'builder' },
    secrets: references(lists.secrets),
    imagePullSecrets: references(lists.imagePullSecrets),
  });
  for (const [name, auths] of Object.entries({ ...lists.secrets, ...lists.imagePullSecrets })) {
    client.seed(secrets, {
      metadata: { namespace: 'ns', name },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
    });
  }
  return client;
}

function backendFor(client: FakeKubeClient, options: Partial<OciBackendOptions> = {}) {
  return createOciBackend({
    registries: new Registries(),
    credentials: createCredentialSource({ client }),
    runCredentials: createCredentialSource({ client }),
    ...options,
  });
}
const builder = { namespace: 'ns', spec: { serviceAccountName: 'builder' } };
const login = (user: string, password: string) => ({ auth: base64(`${user}:${password}`) });

describe('a registry with basic authentication', () => {
  let host = '';
  beforeAll(async () => {
    // bot:secret
    await writeFile(
      path.join(folder, 'htpasswd'),
      'bot:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n',
    );
    host = await startDistribution('basic', {
      auth: { htpasswd: { realm: 'basic', path: path.join(folder, 'htpasswd') } },
    });
  });

  it.each(['secrets', 'imagePullSecrets'])("takes the credentials of the ServiceAccount's %s", async (list) => {
    const subject = subjectOf(host, `team/${list.toLowerCase()}`);
    const backend = backendFor(cluster({ [list]: { regcred: { [host]: login('bot', 'secret') } } }));
    await backend.store(await requestFor(simpleSigning(subject), {}, undefined, builder), signal);
    const headers = {
      authorization: `Basic ${base64('bot:secret')}`,
      accept: 'application/vnd.oci.image.manifest.v1+json',
    };
    const stored = await fetch(
      `http://${subject.repository.replace('/', '/v2/')}/manifests/${subject.digest.replace(':', '-')}.sig`,
      { headers },
    );
    expect(stored.status).toBe(200);
  });

  it('is told of by name when it denies: the account, the secret, the way out', async () => {
    const request = await requestFor(simpleSigning(subjectOf(host, 'team/app')), {}, undefined, builder);
    await expect(
      backendFor(cluster({ secrets: { regcred: { [host]: login('bot', 'wrong') } } })).store(request, signal),
    ).rejects.toMatchObject({
      retryable: false,
      message: `storage oci, key: ${host}/team/app@sha256:${'a'.repeat(64)}: ${host} answered 401: UNAUTHORIZED; the credentials are those of secret ns/regcred (secrets of ServiceAccount ns/builder): they must be allowed to push to ${host}/team/app`,
    });
    await expect(
      backendFor(cluster({ secrets: { other: { 'ghcr.io': login('bot', 'secret') } } })).store(request, signal),
    ).rejects.toThrow(
      `no credentials for ${host} in secrets (other) and imagePullSecrets (none) of ServiceAccount ns/builder, the controller's docker config; add a secret of type kubernetes.io/dockerconfigjson for ${host} to the secrets of ServiceAccount ns/builder`,
    );
  });

  it('lets in who mended the secret, without waiting for what is remembered to grow old', async () => {
    const client = cluster({ secrets: { regcred: { [host]: login('bot', 'wrong') } } });
    const backend = backendFor(client);
    const request = await requestFor(simpleSigning(subjectOf(host, 'team/mended')), {}, undefined, builder);
    await expect(backend.store(request, signal)).rejects.toThrow('answered 401');
    const secret = await client.get(secrets, 'ns', 'regcred');
    await client.replace(secrets, {
      ...secret,
      data: { '.dockerconfigjson': base64(JSON.stringify({ auths: { [host]: login('bot', 'secret') } })) },
    });
    await backend.store(request, signal);
  });
});

describe('a registry with a token server', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const asked: { scopes: string[]; user: string }[] = [];
  let host = '';
  let tokens: Server;

  /** Grants what is asked to who knows the password; only pull on repositories named read-only. */
  function tokenFor(scopes: string[]): string {
    const access = scopes.map((scope) => {
      const [type, name = '', actions = ''] = scope.split(':');
      return {
        type,
        name,
        actions: actions.split(',').filter((action) => action === 'pull' || !name.startsWith('read-only')),
      };
    });
    const now = Math.floor(Date.now() / 1000);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ typ: 'JWT', alg: 'ES256', kid: 'test' })}.${part({ iss: 'issuer', sub: 'bot', aud: 'service', exp: now + 300, nbf: now - 10, iat: now, jti: String(Math.random()), access })}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  beforeAll(async () => {
    tokens = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://tokens');
      const user = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
      asked.push({ scopes: url.searchParams.getAll('scope'), user });
      if (user !== 'bot:secret' || url.searchParams.get('service') !== 'service')
        return response.writeHead(401).end(JSON.stringify({ details: 'incorrect username or password' }));
      return response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ token: tokenFor(url.searchParams.getAll('scope')), expires_in: 300 }));
    });
    const [port] = await freePorts('127.0.0.1', 1);
    await new Promise<void>((resolve) => tokens.listen(port, '127.0.0.1', resolve));
    const jwks = path.join(folder, 'jwks.json');
    await writeFile(
      jwks,
      JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'ES256', use: 'sig' }] }),
    );
    host = await startDistribution('token', {
      auth: {
        token: {
          realm: `http://127.0.0.1:${port}/token`,
          service: 'service',
          issuer: 'issuer',
          jwks,
          signingalgorithms: ['ES256'],
        },
      },
    });
  });
  afterAll(() => new Promise((resolve) => tokens.close(resolve)));
  beforeEach(() => void asked.splice(0));

  const account = () => cluster({ secrets: { regcred: { [host]: login('bot', 'secret') } } });

  it('gets asked for pull and push once, for many writes', async () => {
    const backend = backendFor(account());
    const subject = subjectOf(host, 'team/app');
    for (const build of ['one', 'two', 'three'])
      await backend.store(await requestFor(statement(subject, build), {}, undefined, builder), signal);
    expect(asked).toEqual([{ scopes: ['repository:team/app:pull,push'], user: 'bot:secret' }]);
  });

  it('gets asked for push where a bundle goes: beside its image, whatever repository is set', async () => {
    const backend = backendFor(account());
    const settings = { 'storage.oci.encoding-format': 'sigstore-bundle', 'storage.oci.repository': `${host}/bundles` };
    const request = await requestFor(imageSignaturePayload(subjectOf(host, 'team/app')), settings, undefined, builder);
    await expect(backend.store(request, signal)).rejects.toThrow(
      `has no manifest sha256:${'a'.repeat(64)}, and a bundle refers to the manifest`,
    );
    expect(asked.map(({ scopes }) => scopes)).toEqual([['repository:team/app:pull,push']]);
  });

  it('is told of by name when the token does not allow the push', async () => {
    const request = await requestFor(simpleSigning(subjectOf(host, 'read-only/app')), {}, undefined, builder);
    await expect(backendFor(account()).store(request, signal)).rejects.toThrow(
      /answered 401: UNAUTHORIZED; the credentials are those of secret ns\/regcred .*: they must be allowed to push to .*read-only\/app/,
    );
  });
});

describe('a registry with a certificate of its own', () => {
  let host = '';
  let certificate = '';
  beforeAll(async () => {
    const made = selfSigned({ commonName: 'registry', names: 'IP:127.0.0.1' });
    const [key, cert] = [path.join(folder, 'tls.key'), path.join(folder, 'tls.crt')];
    await Promise.all([writeFile(key, made.key), writeFile(cert, made.cert)]);
    certificate = made.cert;
    host = await startDistribution('tls', {}, { tls: { certificate: cert, key } });
  });

  it.each([
    ['its authority is trusted', () => ({ registries: new Registries({ ca: [certificate] }) }), {}],
    ['it is insecure by setting', () => ({}), { 'storage.oci.repository.insecure': 'true' }],
  ])('takes signatures when %s', async (_, options, settings) => {
    await backendFor(cluster({}), options()).store(
      await requestFor(simpleSigning(subjectOf(host, 'team/app')), settings, undefined, builder),
      signal,
    );
  });

  it('takes none else', async () => {
    await expect(
      backendFor(cluster({})).store(
        await requestFor(simpleSigning(subjectOf(host, 'team/app')), {}, undefined, builder),
        signal,
      ),
    ).rejects.toThrow(/self.signed certificate/);
  });
});

describe('a registry with the referrers API', () => {
  it('lists bundles itself, each once, and no fallback tag is written', async () => {
    const [port] = await freePorts('127.0.0.1', 1);
    const host = `127.0.0.1:${port}`;
    const healthy = () =>
      fetch(`http://${host}/v2/`).then(
        () => undefined,
        (error: unknown) => String(error),
      );
    await startService(
      { name: 'referrers', argv: [await tool('referrers-registry'), '--address', host], healthy },
      supervision(),
    );
    const { digest } = await pushTinyImage(host, 'team/app', 'referrers');
    const subject = { repository: `${host}/team/app`, digest };
    const backend = backendFor(cluster({}));
    const settings = { 'storage.oci.encoding-format': 'sigstore-bundle' };
    for (const payload of [
      imageSignaturePayload(subject),
      statement(subject, 'one'),
      imageSignaturePayload(subject),
      statement(subject, 'one'),
    ]) {
      await backend.store(await requestFor(payload, settings, undefined, builder), signal);
    }
    const index = (await (await fetch(`http://${host}/v2/team/app/referrers/${digest}`)).json()) as {
      manifests: { digest: string }[];
    };
    expect(new Set(index.manifests.map((one) => one.digest)).size).toBe(2);
    expect(index.manifests).toHaveLength(2);
    const tags = (await (await fetch(`http://${host}/v2/team/app/tags/list`)).json()) as { tags: string[] | null };
    expect(tags.tags ?? []).toEqual([]);
  });
});

describe('two replicas', () => {
  it('with a lock of Leases lose nothing of 20 attestations written to one tag', async () => {
    const host = await startDistribution(`replicas-${randomUUID()}`, {});
    const subject = subjectOf(host, 'team/app');
    const client = cluster({});
    const replicas = ['a', 'b'].map((identity) =>
      backendFor(client, { lock: new LeaseLock({ client, namespace: 'ns', identity }) }),
    );
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        replicas[index % 2]?.store(
          await requestFor(statement(subject, `build-${index}`), {}, undefined, builder),
          signal,
        ),
      ),
    );
    const accept = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = (await (
      await fetch(`http://${host}/v2/team/app/manifests/${subject.digest.replace(':', '-')}.att`, {
        headers: { accept },
      })
    ).json()) as ImageManifest;
    expect(new Set(manifest.layers.map(({ digest }) => digest)).size).toBe(20);
  });
});
