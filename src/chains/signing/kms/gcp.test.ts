import { createHash, generateKeyPairSync, sign, constants } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { protos } from '@google-cloud/kms';
import { OAuth2Client } from 'google-auth-library';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../http-server.fake.ts';
import { SigningError } from '../signer.ts';
import { checksumOf } from './gcp-integrity.ts';
import { gcpClient, type GcpOptions } from './gcp.ts';
import { kmsSigner } from './kms.ts';

const signal = new AbortController().signal;
const message = Buffer.from('message');
const key = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');

const { CryptoKeyVersionAlgorithm } = protos.google.cloud.kms.v1.CryptoKeyVersion;

let server: FakeServer | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
});

function withToken(more: GcpOptions = {}): GcpOptions {
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: 'fake-access-token' });
  return { authClient, ...more };
}

interface Key {
  algorithm: string;
  pair: typeof ec;
  hash: string | null;
  pss?: boolean;
  /** Damages an answer. */
  damage?: (answer: Record<string, unknown>) => Record<string, unknown>;
}

/**
 * What the library sends with every request: numeric enums are asked for, and the resource is in a header for routing.
 */
function expectFrame({ headers, method, body }: SeenRequest, url: URL, parameters: string) {
  const {
    connection,
    'x-goog-api-client': libraries,
    'user-agent': agent,
    'content-length': length,
    ...rest
  } = headers;
  expect(rest).toEqual({
    host: new URL(server!.url).host,
    authorization: 'Bearer fake-access-token',
    'content-type': 'application/json',
    'x-goog-request-params': parameters,
    accept: '*/*',
    'accept-encoding': 'gzip, deflate',
    'accept-language': '*',
    'sec-fetch-mode': 'cors',
  });
  expect([connection, agent]).toEqual(['keep-alive', expect.stringMatching(/google-api-nodejs-client/)]);
  expect(libraries).toMatch(/gapic\/5\..* rest\//);
  expect(length).toBe(method === 'POST' ? String(body.length) : undefined);
  expect(url.searchParams.get('$alt')).toBe('json;enum-encoding=int');
}

/** Cloud KMS's REST API as documented; every request is judged whole. Two pages of versions. */
async function cloudKms({ algorithm, pair, hash, pss, damage = (answer) => answer }: Key) {
  const number = CryptoKeyVersionAlgorithm[algorithm as keyof typeof CryptoKeyVersionAlgorithm];
  const versions = ['9', '10', '2'].map((id) => ({
    name: `${key}/cryptoKeyVersions/${id}`,
    state: 1,
    algorithm: number,
  }));
  const pem = String(pair.publicKey.export({ format: 'pem', type: 'spki' }));

  function signed(name: string, seen: SeenRequest): FakeAnswer {
    const input = hash === null ? message : createHash(hash).update(message).digest();
    const encoded = input.toString('base64');
    expect(JSON.parse(seen.body.toString())).toEqual(
      hash === null
        ? { data: encoded, dataCrc32c: checksumOf(input) }
        : { digest: { [hash]: encoded }, digestCrc32c: checksumOf(input) },
    );
    const signature = sign(
      hash,
      message,
      pss ? { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : pair.privateKey,
    );
    const verified = hash === null ? { verifiedDataCrc32c: true } : { verifiedDigestCrc32c: true };
    return {
      body: damage({
        name,
        signature: signature.toString('base64'),
        signatureCrc32c: checksumOf(signature),
        ...verified,
        protectionLevel: 1,
      }),
    };
  }

  server = await startServer((seen) => {
    const url = new URL(seen.path, 'http://x');
    if (seen.method === 'GET' && url.pathname === `/v1/${key}/cryptoKeyVersions`) {
      expectFrame(seen, url, `parent=${encodeURIComponent(key)}`);
      const { $alt, pageToken, ...query } = Object.fromEntries(url.searchParams);
      expect([$alt, query]).toEqual(['json;enum-encoding=int', { filter: 'state=ENABLED' }]);
      return {
        body:
          pageToken === 'second'
            ? { cryptoKeyVersions: versions.slice(1) }
            : { cryptoKeyVersions: versions.slice(0, 1), nextPageToken: 'second' },
      };
    }
    const version = versions.find(
      ({ name }) =>
        url.pathname.startsWith(`/v1/${name}`) &&
        /^(|\/publicKey|:asymmetricSign)$/.test(url.pathname.slice(`/v1/${name}`.length)),
    );
    if (version === undefined)
      return {
        status: 404,
        body: { error: { code: 404, message: `CryptoKeyVersion ${url.pathname} not found.`, status: 'NOT_FOUND' } },
      };
    expectFrame(seen, url, `name=${encodeURIComponent(version.name)}`);
    expect([...url.searchParams.keys()]).toEqual(['$alt']);
    if (url.pathname.endsWith(':asymmetricSign')) {
      expect(seen.method).toBe('POST');
      return signed(version.name, seen);
    }
    expect([seen.method, seen.body.length]).toEqual(['GET', 0]);
    return {
      body: url.pathname.endsWith('/publicKey')
        ? damage({ name: version.name, pem, pemCrc32c: checksumOf(Buffer.from(pem)), algorithm: number })
        : version,
    };
  });
  return server;
}

const p256: Key = { algorithm: 'EC_SIGN_P256_SHA256', pair: ec, hash: 'sha256' };

describe('gcpClient', () => {
  it.each([
    { ...p256, scheme: 'ecdsa' },
    { algorithm: 'EC_SIGN_P384_SHA384', pair: p384, hash: 'sha384', scheme: 'ecdsa' },
    { algorithm: 'RSA_SIGN_PKCS1_2048_SHA256', pair: rsa, hash: 'sha256', scheme: 'rsa-pkcs1v15' },
    { algorithm: 'RSA_SIGN_PSS_2048_SHA256', pair: rsa, hash: 'sha256', pss: true, scheme: 'rsa-pss' },
    { algorithm: 'EC_SIGN_ED25519', pair: ed, hash: null, scheme: 'ed25519' },
  ])('signs with the newest enabled version: $algorithm', async ({ scheme, ...options }) => {
    const { url, requests } = await cloudKms(options as Key);
    const signer = kmsSigner(gcpClient({ key }, withToken({ endpoint: url })));
    const { key: used } = await signer.signBytes(message, signal);
    expect(used.algorithm).toEqual({ scheme, ...(options.hash === null ? {} : { hash: options.hash }) });
    expect(requests.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      `GET /v1/${key}/cryptoKeyVersions`,
      `GET /v1/${key}/cryptoKeyVersions`,
      `GET /v1/${key}/cryptoKeyVersions/10/publicKey`,
      `POST /v1/${key}/cryptoKeyVersions/10:asymmetricSign`,
    ]);
  });

  it('uses the version of the reference, and the endpoint of the environment', async () => {
    const { url, requests } = await cloudKms(p256);
    const signer = kmsSigner(
      gcpClient({ key, version: '2' }, withToken({ env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: `${url}/` } })),
    );
    await signer.signBytes(message, signal);
    expect(requests.map(({ path }) => path.split('?')[0])).toEqual(
      ['', '/publicKey', ':asymmetricSign'].map((action) => `/v1/${key}/cryptoKeyVersions/2${action}`),
    );
  });

  it('says which algorithm cosign has not', async () => {
    const { url } = await cloudKms({ ...p256, algorithm: 'EC_SIGN_SECP256K1_SHA256' });
    await expect(gcpClient({ key }, withToken({ endpoint: url })).fetchKey(signal)).rejects.toMatchObject({
      message: expect.stringMatching(/EC_SIGN_SECP256K1_SHA256, with which cosign cannot verify/),
      retryable: false,
    });
  });

  it.each([
    { field: 'name', damage: { name: `${key}/cryptoKeyVersions/9` } },
    { field: 'signatureCrc32c', damage: { signatureCrc32c: '1' } },
    { field: 'signatureCrc32c', damage: { signature: 'AAAA' } },
    { field: 'verifiedDigestCrc32c', damage: { verifiedDigestCrc32c: false } },
  ])('refuses an answer to a signing that was damaged on the way: $damage', async ({ field, damage }) => {
    const { url } = await cloudKms({
      ...p256,
      damage: (answer) => ('signature' in answer ? { ...answer, ...damage } : answer),
    });
    const client = gcpClient({ key }, withToken({ endpoint: url }));
    const fetched = await client.fetchKey(signal);
    const digest = createHash('sha256').update(message).digest();
    await expect(client.sign(fetched, digest, signal)).rejects.toMatchObject({
      name: 'SigningError',
      message: expect.stringContaining(`damaged on the way (${field})`),
      retryable: true,
    });
  });

  it('refuses a public key that was damaged on the way', async () => {
    const { url } = await cloudKms({ ...p256, damage: (answer) => ({ ...answer, pemCrc32c: '1' }) });
    await expect(gcpClient({ key }, withToken({ endpoint: url })).fetchKey(signal)).rejects.toThrow(
      /damaged on the way \(pemCrc32c\)/,
    );
  });
});

/** An error as Google's services word it. */
function refusal(status: number, name: string, text: string): FakeAnswer {
  return { status, body: { error: { code: status, message: text, status: name } } };
}

describe('failures of gcpClient', () => {
  it.each([
    {
      name: 'missing rights',
      answer: refusal(403, 'PERMISSION_DENIED', "Permission 'cloudkms.cryptoKeyVersions.list' denied"),
      error:
        /^Cloud KMS http:.*cryptoKeyVersions: 403 Forbidden: Permission '.*list' denied; .*roles\/cloudkms\.signerVerifier/,
      retryable: true,
      calls: 1,
    },
    {
      name: 'no such key',
      answer: refusal(404, 'NOT_FOUND', 'CryptoKey not found.'),
      error: /404 Not Found: CryptoKey not found\.; check signers\.kms\.kmsref/,
      retryable: false,
      calls: 1,
    },
    {
      name: 'a service that stays away',
      answer: refusal(503, 'UNAVAILABLE', 'The service is currently unavailable.'),
      error: /503 Service Unavailable: The service is currently unavailable\./,
      retryable: true,
      calls: 3,
    },
    {
      name: 'an answer that is not JSON',
      answer: { status: 502, body: '<html>bad gateway</html>' },
      error: /502 Bad Gateway: <html>bad gateway<\/html>; check/,
      retryable: true,
      calls: 3,
    },
    {
      name: 'no enabled version',
      answer: { body: {} },
      error: /has no enabled version; create or enable one/,
      retryable: false,
      calls: 1,
    },
  ])('says: $name', async ({ answer, error, retryable, calls }) => {
    const { url, requests } = (server = await startServer(() => answer));
    await expect(gcpClient({ key }, withToken({ endpoint: url })).fetchKey(signal)).rejects.toMatchObject({
      message: expect.stringMatching(error),
      retryable,
    });
    expect(requests).toHaveLength(calls);
  });

  it('goes on after one failure that passes', async () => {
    const { url, requests } = (server = await startServer((_, earlier) =>
      earlier === 0 ? refusal(503, 'UNAVAILABLE', 'later') : { body: {} },
    ));
    await expect(gcpClient({ key }, withToken({ endpoint: url })).fetchKey(signal)).rejects.toThrow(
      /no enabled version/,
    );
    expect(requests).toHaveLength(2);
  });

  it('says that nobody listens', async () => {
    const { url, close } = await startServer(() => ({}));
    await close();
    await expect(gcpClient({ key }, withToken({ endpoint: url })).fetchKey(signal)).rejects.toMatchObject({
      message: expect.stringMatching(/^Cloud KMS http:.* cannot be reached: .*ECONNREFUSED.*; check/),
      retryable: true,
    });
  });

  it('gives up a service that never answers', async () => {
    const { url } = (server = await startServer(() => new Promise(() => {})));
    await expect(
      gcpClient({ key }, withToken({ endpoint: url, timeoutMs: 200 })).fetchKey(signal),
    ).rejects.toMatchObject({ message: expect.stringMatching(/no answer within 0\.2 s/), retryable: true });
  });

  it('ends with the reason of the signal, and cuts its request off', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    let cut: (() => void) | undefined;
    const isCut = new Promise<void>((resolve) => (cut = resolve));
    const silent = createServer((request) => {
      request.socket.once('close', () => cut?.());
      controller.abort(reason);
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const client = gcpClient(
      { key },
      withToken({ endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, timeoutMs: 600_000 }),
    );
    await expect(client.fetchKey(controller.signal)).rejects.toBe(reason);
    await isCut;
    await expect(client.fetchKey(controller.signal)).rejects.toBe(reason);
    await new Promise((resolve) => silent.close(resolve));
  });

  it('says what is wrong with the credentials, and looks again the next time', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere/key.json');
    const client = gcpClient({ key }, { endpoint: 'http://127.0.0.1:9' });
    for (let i = 0; i < 2; i += 1)
      await expect(client.fetchKey(signal)).rejects.toThrow(
        /^Google credentials: .*\/nowhere\/key\.json.*; use Workload Identity/s,
      );
  });

  it('says that the credentials are of another universe', async () => {
    const authClient = new OAuth2Client({ universe_domain: 'cloud.example' });
    await expect(
      gcpClient({ key }, { endpoint: 'http://127.0.0.1:9', authClient }).fetchKey(signal),
    ).rejects.toMatchObject({
      name: 'SigningError',
      message: expect.stringMatching(/universe domain.*cloud\.example.*; check signers/),
    });
  });

  it.each(['cloudkms.example', 'http://host/prefix', 'ftp://host/'])('refuses the endpoint %s', (endpoint) => {
    expect(() => gcpClient({ key }, { endpoint })).toThrow(SigningError);
    expect(() => gcpClient({ key }, { endpoint })).toThrow(`"${endpoint}"`);
  });
});

describe('checksumOf', () => {
  it.each([
    { name: 'the check value of CRC-32C', bytes: Buffer.from('123456789'), sum: 0xe3069283 },
    { name: '32 zeros (RFC 3720 B.4)', bytes: Buffer.alloc(32), sum: 0x8a9136aa },
    { name: '32 ones (RFC 3720 B.4)', bytes: Buffer.alloc(32, 0xff), sum: 0x62a8ab43 },
    { name: 'nothing', bytes: Buffer.alloc(0), sum: 0 },
  ])('$name', ({ bytes, sum }) => expect(checksumOf(bytes)).toBe(String(sum)));
});
