import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TokenCredential } from '@azure/identity';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { selfSigned } from '../../../certificate.fake.ts';
import { azureClient } from './azure.ts';
import { kmsSigner } from './kms.ts';

const signal = new AbortController().signal;
const message = Buffer.from('message');
const pairs = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

let tls: { key: string; cert: string };
let server: Server | undefined;
beforeAll(() => {
  tls = selfSigned({ commonName: '127.0.0.1' });
  // The certificate is nobody's; the SDK has no other way to be told so.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterAll(() => vi.unstubAllEnvs());
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Key Vault: the first request is challenged, the token asked for must be for the vault's resource. */
async function keyVault(options: {
  kind: keyof typeof pairs;
  algorithm: string;
  hash: string;
  hsm?: boolean;
  status?: number;
}) {
  const seen: string[] = [];
  const scopes: string[] = [];
  const pair = pairs[options.kind];
  server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const url = new URL(request.url ?? '', 'https://x');
        const authorized = request.headers.authorization === 'Bearer fake-azure-token';
        seen.push(`${request.method} ${url.pathname}${authorized ? '' : ' (challenged)'}`);
        const reply = (status: number, body: unknown, headers = {}) =>
          response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
        if (!authorized)
          return reply(
            401,
            {},
            {
              'www-authenticate':
                'Bearer authorization="https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001", resource="https://vault.azure.net"',
            },
          );
        if (options.status)
          return reply(options.status, {
            error: { code: 'Forbidden', message: 'The user does not have keys sign permission' },
          });
        if (!url.searchParams.has('api-version')) return reply(400, { error: { message: 'no api-version' } });
        const id = `https://127.0.0.1:${(server?.address() as AddressInfo).port}/keys/chains/0123456789abcdef0123456789abcdef`;
        if (request.method === 'GET') {
          const jwk = pair.publicKey.export({ format: 'jwk' });
          return reply(200, {
            key: { kid: id, ...jwk, kty: `${jwk.kty}${options.hsm ? '-HSM' : ''}`, key_ops: ['sign', 'verify'] },
            attributes: { enabled: true },
          });
        }
        const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
        const wanted = { alg: options.algorithm, value: createHash(options.hash).update(message).digest('base64url') };
        if (
          url.pathname !== '/keys/chains/0123456789abcdef0123456789abcdef/sign' ||
          JSON.stringify(body) !== JSON.stringify(wanted)
        )
          return reply(400, { error: { message: `unexpected ${url.pathname} ${JSON.stringify(body)}` } });
        const raw = sign(options.hash, message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
        return reply(200, { kid: id, value: raw.toString('base64url') });
      });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const credential: TokenCredential = {
    async getToken(scope) {
      scopes.push(String(scope));
      return { token: 'fake-azure-token', expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  const client = azureClient(
    { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, key: 'chains' },
    { credential, client: { disableChallengeResourceVerification: true, retryOptions: { maxRetries: 0 } } },
  );
  return { client, seen, scopes };
}

describe('azureClient', () => {
  it.each([
    { kind: 'P-256' as const, algorithm: 'ES256', hash: 'sha256', scheme: 'ecdsa' },
    { kind: 'P-256' as const, algorithm: 'ES256', hash: 'sha256', scheme: 'ecdsa', hsm: true },
    { kind: 'P-384' as const, algorithm: 'ES384', hash: 'sha384', scheme: 'ecdsa' },
    { kind: 'P-521' as const, algorithm: 'ES512', hash: 'sha512', scheme: 'ecdsa' },
    { kind: 'RSA' as const, algorithm: 'RS256', hash: 'sha256', scheme: 'rsa-pkcs1v15', hsm: true },
  ])('answers the challenge and gives an ASN.1 signature: $algorithm hsm=$hsm', async ({ scheme, ...options }) => {
    const { client, seen, scopes } = await keyVault(options);
    const { signature, key } = await kmsSigner(client).signBytes(message, signal);
    expect(key.algorithm).toEqual({ scheme, hash: options.hash });
    expect(verify(options.hash, message, pairs[options.kind].publicKey, signature)).toBe(true);
    expect(seen.filter((line) => !line.endsWith('(challenged)'))).toEqual([
      'GET /keys/chains/',
      'POST /keys/chains/0123456789abcdef0123456789abcdef/sign',
    ]);
    expect(new Set(scopes)).toEqual(new Set(['https://vault.azure.net/.default']));
  });

  it('names vault, permission and the way out of a refusal', async () => {
    const { client } = await keyVault({ kind: 'P-256', algorithm: 'ES256', hash: 'sha256', status: 403 });
    await expect(client.fetchKey(signal)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(
        /^Azure Key Vault azurekms:\/\/127\.0\.0\.1:\d+\/chains .*keys sign permission.*permissions get and sign$/,
      ) as string,
    });
  });
});
