import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../clock.fake.ts';
import type { KmsSettings } from '../../config/settings.ts';
import { startServer, type FakeServer } from '../http-server.fake.ts';
import { startSpiffeAgent } from '../../../spire/agent.fake.ts';
import { kmsSigner } from './kms.ts';
import { vaultClient } from './vault.ts';

const signal = new AbortController().signal;
const message = Buffer.from('message');
const digest = createHash('sha256').update(message).digest('base64');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const rawEd = (key: KeyObject) => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString();

let folder: string;
let server: FakeServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vault-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

function auth(given: Partial<KmsSettings['auth']> = {}): KmsSettings['auth'] {
  return {
    address: server?.url ?? '',
    token: '',
    tokenPath: '',
    oidc: { path: '', role: '', tokenPath: '' },
    spire: { sock: '', audience: '' },
    ...given,
  };
}

interface Options {
  publicKey: string;
  type: string;
  privateKey: KeyObject;
  transit?: string;
  valid?: () => string;
  login?: string;
}

/** The paths, headers and bodies of Vault's API documentation. */
async function vault({
  publicKey,
  type,
  privateKey,
  transit = 'transit',
  valid = () => 's.token',
  login = 'jwt',
}: Options): Promise<FakeServer> {
  const ed25519 = type === 'ed25519';
  server = await startServer(({ method, path: target, headers, body }) => {
    expect(headers['x-vault-request']).toBe('true');
    if (target === `/v1/auth/${login}/login`) {
      expect([method, JSON.parse(body.toString())]).toEqual([
        'POST',
        { role: 'chains', jwt: 'header.payload.signature' },
      ]);
      return { body: { auth: { client_token: valid(), lease_duration: 600, renewable: true } } };
    }
    if (headers['x-vault-token'] !== valid()) return { status: 403, body: { errors: ['permission denied'] } };
    if (method === 'GET' && target === `/v1/${transit}/keys/chains`)
      return {
        body: {
          data: {
            type,
            latest_version: 2,
            keys: { 1: { public_key: 'old', name: type }, 2: { public_key: publicKey, name: type } },
          },
        },
      };
    expect([method, target]).toEqual(['POST', `/v1/${transit}/sign/chains${ed25519 ? '' : '/sha2-256'}`]);
    expect(JSON.parse(body.toString())).toEqual({
      input: ed25519 ? message.toString('base64') : digest,
      prehashed: !ed25519,
      signature_algorithm: 'pkcs1v15',
    });
    return {
      body: {
        data: {
          signature: `vault:v2:${sign(ed25519 ? null : 'sha256', message, privateKey).toString('base64')}`,
          key_version: 2,
        },
      },
    };
  });
  return server;
}

describe('vaultClient', () => {
  it.each([
    { name: 'ECDSA', publicKey: pem(ec.publicKey), type: 'P-256', privateKey: ec.privateKey, scheme: 'ecdsa' },
    {
      name: 'RSA',
      publicKey: pem(rsa.publicKey),
      type: 'rsa-2048',
      privateKey: rsa.privateKey,
      scheme: 'rsa-pkcs1v15',
    },
    {
      name: 'Ed25519, which takes the message',
      publicKey: rawEd(ed.publicKey),
      type: 'ed25519',
      privateKey: ed.privateKey,
      scheme: 'ed25519',
    },
  ])('signs by the transit engine: $name', async ({ scheme, ...options }) => {
    await vault(options);
    const { key } = await kmsSigner(vaultClient('chains', auth({ token: 's.token' }), { env: {} })).signBytes(
      message,
      signal,
    );
    expect(key.algorithm.scheme).toBe(scheme);
  });

  const ecVault = { publicKey: pem(ec.publicKey), type: 'P-256', privateKey: ec.privateKey };
  it.each([
    {
      name: 'a token file before a token',
      settings: async () => ({ token: 's.wrong', tokenPath: await file('token', 's.token\n') }),
      env: {},
    },
    { name: 'VAULT_TOKEN', settings: async () => ({}), env: { VAULT_TOKEN: 's.token' } },
    { name: 'BAO_TOKEN', settings: async () => ({}), env: { BAO_TOKEN: 's.token' } },
    { name: '~/.vault-token', settings: async () => ({}), env: { HOME: 'folder' } },
    {
      name: 'a login by JWT',
      settings: async () => ({
        oidc: { path: '', role: 'chains', tokenPath: await file('jwt', 'header.payload.signature') },
      }),
      env: {},
    },
  ])('takes its token from $name', async ({ settings, env }) => {
    await vault(ecVault);
    const home = 'HOME' in env ? { HOME: folder } : env;
    if ('HOME' in env) await file('.vault-token', 's.token');
    await kmsSigner(vaultClient('chains', auth(await settings()), { env: home })).signBytes(message, signal);
  });

  const file = async (name: string, content: string) => {
    await writeFile(path.join(folder, name), content);
    return path.join(folder, name);
  };

  it('logs in once per lease, and again when the token is revoked', async () => {
    let token = 's.first';
    const { requests } = await vault({ ...ecVault, valid: () => token, login: 'kubernetes/prod' });
    const clock = new FakeClock();
    const settings = auth({
      oidc: { path: 'kubernetes/prod', role: 'chains', tokenPath: await file('jwt', 'header.payload.signature') },
    });
    const signer = kmsSigner(vaultClient('chains', settings, { env: {}, clock }), { clock });
    const logins = () => requests.filter(({ path: target }) => target.includes('/login')).length;
    await signer.signBytes(message, signal);
    await signer.signBytes(message, signal);
    expect(logins()).toBe(1);
    token = 's.second';
    await signer.signBytes(message, signal);
    expect(logins()).toBe(2);
    await clock.advance(541_000);
    await signer.signBytes(message, signal);
    expect(logins()).toBe(3);
  });

  it('logs in with a JWT-SVID before anything else', async () => {
    const { requests } = await vault(ecVault);
    const audiences: string[][] = [];
    const agent = await startSpiffeAgent({
      tokens: ({ audience }) => (audiences.push(audience), { svids: [{ svid: 'header.payload.signature' }] }),
    });
    try {
      const settings = auth({
        token: 's.wrong',
        oidc: { path: '', role: 'chains', tokenPath: '' },
        spire: { sock: agent.socket, audience: 'vault' },
      });
      await kmsSigner(vaultClient('chains', settings, { env: {} })).signBytes(message, signal);
    } finally {
      await agent.stop();
    }
    expect(audiences).toEqual([['vault']]);
    expect(requests[0]?.path).toBe('/v1/auth/jwt/login');
  });

  it('uses engine path, namespace and address of the environment', async () => {
    const { url, requests } = await vault({ ...ecVault, transit: 'team/signing' });
    const env = {
      VAULT_ADDR: `${url}/`,
      VAULT_TOKEN: 's.token',
      TRANSIT_SECRET_ENGINE_PATH: 'team/signing',
      VAULT_NAMESPACE: 'ns1',
    };
    await kmsSigner(vaultClient('chains', auth({ address: '' }), { env })).signBytes(message, signal);
    expect(requests.every(({ headers }) => headers['x-vault-namespace'] === 'ns1')).toBe(true);
  });

  it('takes an address without a scheme as plain HTTP', async () => {
    const { url } = await vault(ecVault);
    await kmsSigner(
      vaultClient('chains', auth({ address: url.replace('http://', ''), token: 's.token' }), { env: {} }),
    ).signBytes(message, signal);
  });

  it.each([
    {
      name: 'a wrong token',
      settings: { token: 's.wrong' },
      error:
        /Vault http:.*\/v1\/transit\/keys\/chains: 403: permission denied.*read on transit\/keys\/chains and update on transit\/sign\/chains/,
    },
    {
      name: 'a token file that is not there',
      settings: { tokenPath: '/nowhere/token' },
      error: /signers\.kms\.auth\.token-path \/nowhere\/token cannot be read/,
    },
    { name: 'no token at all', settings: {}, error: /no token is set in signers\.kms\.auth\.token/ },
  ])('names $name', async ({ settings, error }) => {
    await vault(ecVault);
    await expect(vaultClient('chains', auth(settings), { env: { HOME: '/nowhere' } }).fetchKey(signal)).rejects.toThrow(
      error,
    );
  });

  it.each([
    { address: '', error: /address of Vault is not known; set signers\.kms\.auth\.address/ },
    { address: 'http://', error: /auth\.address in chains-config is "http:\/\/", which is no address/ },
  ])('refuses the address $address', ({ address, error }) => {
    expect(() => vaultClient('chains', auth({ address }), { env: {} })).toThrow(error);
  });

  it('says that a symmetric key cannot sign', async () => {
    server = await startServer(() => ({
      body: { data: { type: 'aes256-gcm96', latest_version: 1, keys: { 1: 1700000000 } } },
    }));
    await expect(vaultClient('chains', auth({ token: 't' }), { env: {} }).fetchKey(signal)).rejects.toThrow(
      /not an asymmetric key.*type=ecdsa-p256/,
    );
  });
});
