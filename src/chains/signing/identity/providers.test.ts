import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { X509Settings } from '../../config/settings.ts';
import { startServer, type FakeServer } from '../http-server.fake.ts';
import { identityToken, providerName } from './providers.ts';

const signal = new AbortController().signal;
const token = 'header.payload.signature';
let folder: string;
let server: FakeServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'identity-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

function settings(provider = '', identityTokenFile = ''): X509Settings {
  return {
    fulcio: { enabled: true, address: 'https://fulcio.example', issuer: '', provider },
    identityTokenFile,
  };
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(path.join(folder, name), content);
  return path.join(folder, name);
}

const nowhere = { tokenFile: '/nowhere/oidc-token', env: { SPIFFE_ENDPOINT_SOCKET: '/nowhere/agent.sock' } };

describe('identityToken', () => {
  it('reads the projected token', async () => {
    expect(
      await identityToken(settings('filesystem'), signal, {
        tokenFile: await file('oidc-token', `${token}\n`),
        env: {},
      }),
    ).toBe(token);
  });

  it('reads a file of its own, also when the provider is called filesystem', async () => {
    const own = await file('own', token);
    for (const provider of ['', 'filesystem', 'filesystem-custom-path']) {
      expect(await identityToken(settings(provider, own), signal, nowhere)).toBe(token);
    }
  });

  it('reads SIGSTORE_ID_TOKEN', async () => {
    expect(await identityToken(settings('envvar'), signal, { env: { SIGSTORE_ID_TOKEN: token } })).toBe(token);
  });

  it('asks GitHub Actions, adding the audience to its URL', async () => {
    server = await startServer(() => ({ body: { value: token } }));
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${server.url}/token?api-version=2.0`,
    };
    expect(await identityToken(settings('github-actions'), signal, { env })).toBe(token);
    expect(server.requests).toEqual([
      expect.objectContaining({
        method: 'GET',
        path: '/token?api-version=2.0&audience=sigstore',
        headers: expect.objectContaining({ authorization: 'bearer request-token' }) as object,
      }),
    ]);
  });

  it('asks the Buildkite agent API', async () => {
    server = await startServer(() => ({ body: { token } }));
    const env = {
      BUILDKITE_AGENT_ACCESS_TOKEN: 'agent-token',
      BUILDKITE_AGENT_ENDPOINT: `${server.url}/v3`,
      BUILDKITE_JOB_ID: 'job/1',
    };
    expect(await identityToken(settings('buildkite-agent'), signal, { env })).toBe(token);
    const [seen] = server.requests;
    expect(seen).toMatchObject({
      method: 'POST',
      path: '/v3/jobs/job%2F1/oidc/tokens',
      headers: { authorization: 'Token agent-token' },
    });
    expect(JSON.parse(seen!.body.toString())).toEqual({ audience: 'sigstore' });
  });

  it('asks the metadata server of Google Cloud', async () => {
    server = await startServer(({ path: target, headers }) => {
      if (headers['metadata-flavor'] !== 'Google') return { status: 403 };
      if (target.startsWith('/computeMetadata/v1/instance/service-accounts/default/identity?'))
        return { body: token, headers: { 'metadata-flavor': 'Google' } };
      return { body: 'x', headers: { 'metadata-flavor': 'Google' } };
    });
    vi.stubEnv('GCE_METADATA_HOST', server.url.replace('http://', ''));
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
    vi.stubEnv('HOME', folder);
    expect(await identityToken(settings('google'), signal, { env: {} })).toBe(token);
    const asked = server.requests.find(({ path: target }) => target.includes('/identity?'));
    expect(new URL(asked!.path, 'http://x').searchParams.get('audience')).toBe('sigstore');
  });

  it('impersonates a Google service account', async () => {
    server = await startServer(({ path: target }) => {
      const headers = { 'metadata-flavor': 'Google' };
      if (target.includes(':generateIdToken')) return { body: { token } };
      if (target.includes('/token'))
        return { headers, body: { access_token: 'own-token', expires_in: 3600, token_type: 'Bearer' } };
      return { headers, body: 'x' };
    });
    vi.stubEnv('GCE_METADATA_HOST', server.url.replace('http://', ''));
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
    vi.stubEnv('HOME', folder);
    const env = {
      GOOGLE_SERVICE_ACCOUNT_NAME: 'signer@p.iam.gserviceaccount.com',
      CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: `${server.url}/`,
    };
    expect(await identityToken(settings('google-impersonate'), signal, { env })).toBe(token);
    const asked = server.requests.at(-1)!;
    expect(asked).toMatchObject({
      method: 'POST',
      path: '/v1/projects/-/serviceAccounts/signer%40p.iam.gserviceaccount.com:generateIdToken',
      headers: { authorization: 'Bearer own-token' },
    });
    expect(JSON.parse(asked.body.toString())).toEqual({ audience: 'sigstore', includeEmail: true });
  });

  it('tries all in order and takes the first token', async () => {
    const env = { ...nowhere.env, SIGSTORE_ID_TOKEN: 'e.n.v' };
    expect(await identityToken(settings(), signal, { env, tokenFile: await file('t', token) })).toBe(token);
    expect(await identityToken(settings(), signal, { env, tokenFile: '/nowhere/t' })).toBe('e.n.v');
    expect(await identityToken(settings(), signal, { env, tokenFile: await file('empty', '') })).toBe('e.n.v');
  });

  it.each([
    {
      name: 'an unknown provider',
      given: settings('gitlab'),
      env: {},
      error:
        /fulcio\.provider in chains-config is "gitlab", which is no provider; use one of filesystem-custom-path, .*google-workload-identity/,
    },
    {
      name: 'a custom path without a path',
      given: settings('filesystem-custom-path'),
      env: {},
      error: /identity\.token\.file is not set/,
    },
    {
      name: 'a file that is not there',
      given: settings('', '/nowhere/token'),
      env: {},
      error: /signers\.x509\.identity\.token\.file \/nowhere\/token cannot be read.*audience sigstore/,
    },
    {
      name: 'a variable that is not set',
      given: settings('buildkite-agent'),
      env: { BUILDKITE_AGENT_ACCESS_TOKEN: 't' },
      error: /BUILDKITE_JOB_ID is not set/,
    },
    {
      name: 'what is not a token',
      given: settings('envvar'),
      env: { SIGSTORE_ID_TOKEN: 'x' },
      error: /provider envvar gave what is not a JSON Web Token/,
    },
    {
      name: 'an empty token',
      given: settings('envvar'),
      env: { SIGSTORE_ID_TOKEN: '' },
      error: /SIGSTORE_ID_TOKEN is not set/,
    },
  ])('names $name', async ({ given, env, error }) => {
    await expect(identityToken(given, signal, { env, tokenFile: '/nowhere/t' })).rejects.toThrow(error);
  });

  it.each([
    ['google', 'google-workload-identity'],
    ['github', 'github-actions'],
    ['spiffe', 'spiffe'],
    ['filesystem', 'filesystem'],
    ['buildkite', 'buildkite-agent'],
    ['', undefined],
  ])("knows the documentation's name %j as %s", (given, name) => {
    expect(providerName(settings(given))).toBe(name);
  });
});
