import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HurriedClock, ScriptedServer, type Heard } from '../registry.fake.ts';
import { RegistryTransport } from '../transport.ts';
import { acrHelper } from './acr.ts';
import { signatureV4 } from './aws-signature.fake.ts';
import { ecrHelper } from './ecr.ts';
import { gcrHelper } from './gcr.ts';
import { remembering } from './helper.ts';

const signal = AbortSignal.timeout(15_000);
let server: ScriptedServer;

beforeEach(async () => {
  server = await ScriptedServer.start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
});

describe('hosts', () => {
  it.each([
    [
      'ECR',
      ecrHelper(),
      [
        '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
        '123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com',
        '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn',
        '123456789012.dkr-ecr.eu-west-1.on.aws',
      ],
      ['public.ecr.aws', '12.dkr.ecr.eu-west-1.amazonaws.com', '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.io'],
    ],
    ['Google', gcrHelper(), ['gcr.io', 'eu.gcr.io', 'europe-docker.pkg.dev'], ['evilgcr.io', 'pkg.dev.io']],
    [
      'ACR',
      acrHelper(),
      ['mine.azurecr.io', 'mine.azurecr.cn', 'mine.azurecr.us'],
      ['azurecr.io.evil.com', 'mine.azurecr.com'],
    ],
  ])('of %s', (_, helper, own, others) => {
    expect(own.filter((host) => !helper.serves(host))).toEqual([]);
    expect(others.filter((host) => helper.serves(host))).toEqual([]);
  });
});

describe('ECR', () => {
  it('asks GetAuthorizationToken of the account and region in the host, signed', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', `http://${server.host}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SECRET');
    vi.stubEnv('AWS_SESSION_TOKEN', 'SESSION');
    const token = Buffer.from('AWS:pass:word').toString('base64');
    server.answer = () => ({
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: {
        authorizationData: [{ authorizationToken: token, expiresAt: 1_800_000_000, proxyEndpoint: 'https://x' }],
      },
    });
    const issued = await ecrHelper().issue('123456789012.dkr.ecr.eu-west-1.amazonaws.com', signal);
    expect(issued).toEqual({
      credentials: { username: 'AWS', password: 'pass:word' },
      expiresAt: new Date(1_800_000_000_000),
    });
    const [heard] = server.heard as [Heard];
    expect(heard).toMatchObject({
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
        'x-amz-security-token': 'SESSION',
      },
    });
    expect(JSON.parse(heard.body)).toEqual({ registryIds: ['123456789012'] });
    expect(heard.headers.authorization).toBe(signatureV4(heard, 'AKID', 'SECRET', 'eu-west-1', 'ecr'));
  });

  it("fails with AWS's words", async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', `http://${server.host}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SECRET');
    server.answer = () => ({
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: { __type: 'AccessDeniedException', message: 'not authorized to perform: ecr:GetAuthorizationToken' },
    });
    await expect(ecrHelper().issue('123456789012.dkr.ecr.eu-west-1.amazonaws.com', signal)).rejects.toThrow(
      'not authorized to perform: ecr:GetAuthorizationToken',
    );
  });
});

describe('Google', () => {
  it("uses the workload's access token, from the metadata server", async () => {
    vi.stubEnv('GCE_METADATA_HOST', server.host);
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
    vi.stubEnv('HOME', '/nonexistent');
    server.answer = ({ path, headers }) => {
      const flavor = { 'metadata-flavor': 'Google' };
      if (headers['metadata-flavor'] !== 'Google') return { status: 403 };
      if (path.endsWith('/token'))
        return {
          status: 200,
          headers: { ...flavor, 'content-type': 'application/json' },
          body: { access_token: 'ya29', expires_in: 3600, token_type: 'Bearer' },
        };
      return { status: 200, headers: { ...flavor, 'content-type': 'text/plain' }, body: 'project' };
    };
    const helper = gcrHelper();
    expect(await helper.issue('europe-docker.pkg.dev', signal)).toEqual({
      credentials: { username: 'oauth2accesstoken', password: 'ya29' },
    });
    await helper.issue('gcr.io', signal);
    const tokens = server.heard.filter(({ path }) => path.endsWith('/token'));
    expect(tokens.map(({ method, path, query }) => [method, path, query.get('scopes')])).toEqual([
      [
        'GET',
        '/computeMetadata/v1/instance/service-accounts/default/token',
        'https://www.googleapis.com/auth/cloud-platform',
      ],
    ]);
  });
});

describe('ACR', () => {
  const helper = (clock = new HurriedClock()) =>
    acrHelper({
      transport: new RegistryTransport({ clock }),
      baseUrl: () => `http://${server.host}`,
      accessToken: (scope) => Promise.resolve(`token for ${scope}`),
    });

  it('exchanges the access token for a refresh token of the registry', async () => {
    vi.stubEnv('AZURE_TENANT_ID', 'tenant');
    server.answer = () => ({ status: 200, body: { refresh_token: 'R' } });
    expect(await helper().issue('mine.azurecr.io', signal)).toEqual({
      credentials: { username: '00000000-0000-0000-0000-000000000000', password: 'R', identityToken: 'R' },
      expiresAt: new Date('2026-01-01T03:00:00Z'),
    });
    expect(server.heard).toMatchObject([
      { method: 'POST', path: '/oauth2/exchange', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ]);
    expect(Object.fromEntries(new URLSearchParams(server.heard[0]?.body))).toEqual({
      grant_type: 'access_token',
      service: 'mine.azurecr.io',
      tenant: 'tenant',
      access_token: 'token for https://management.azure.com/.default',
    });
  });

  it("fails with the registry's code", async () => {
    server.answer = () => ({
      status: 401,
      body: { errors: [{ code: 'UNAUTHORIZED', message: 'CONNECTIVITY_REFRESH_TOKEN_ERROR' }] },
    });
    await expect(helper().issue('mine.azurecr.io', signal)).rejects.toThrow('answered 401: UNAUTHORIZED');
  });

  it('is asked once, and again shortly before the end', async () => {
    const clock = new HurriedClock();
    server.answer = () => ({ status: 200, body: { refresh_token: 'R' } });
    const remembered = remembering(helper(clock), clock);
    await Promise.all([remembered.issue('mine.azurecr.io', signal), remembered.issue('mine.azurecr.io', signal)]);
    await clock.sleep(2.9 * 3600_000);
    await remembered.issue('mine.azurecr.io', signal);
    expect(server.heard).toHaveLength(1);
    await clock.sleep(0.05 * 3600_000);
    await remembered.issue('mine.azurecr.io', signal);
    expect(server.heard).toHaveLength(2);
  });
});
