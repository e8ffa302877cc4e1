import { createHash, generateKeyPairSync, sign, constants } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startServer, type FakeServer, type SeenRequest } from '../http-server.fake.ts';
import { gcpClient } from './gcp.ts';
import { kmsSigner } from './kms.ts';

const signal = new AbortController().signal;
const message = Buffer.from('message');
const key = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Cloud KMS's REST API as documented; every request is judged whole. */
async function cloudKms(options: { algorithm: string; pair: typeof ec; hash: string | null; pss?: boolean; refuse?: number }) {
  const versions = ['9', '10', '2'].map((number) => ({ name: `${key}/cryptoKeyVersions/${number}`, state: 'ENABLED', algorithm: options.algorithm }));
  server = await startServer(({ method, path, headers, body }: SeenRequest) => {
    if (headers.authorization !== 'Bearer fake-access-token') return { status: 401, body: { error: { message: 'no token' } } };
    if (options.refuse) return { status: options.refuse, body: { error: { code: options.refuse, message: "Permission 'cloudkms.cryptoKeyVersions.useToSign' denied", status: 'PERMISSION_DENIED' } } };
    const url = new URL(path, 'http://x');
    if (method === 'GET' && url.pathname === `/v1/${key}/cryptoKeyVersions`) {
      expect(Object.fromEntries(url.searchParams)).toEqual({ filter: 'state=ENABLED', orderBy: 'name desc', pageSize: '100' });
      return { body: { cryptoKeyVersions: versions } };
    }
    const version = versions.find(({ name }) => url.pathname.startsWith(`/v1/${name}`) && url.pathname.slice(`/v1/${name}`.length).match(/^(|\/publicKey|:asymmetricSign)$/));
    if (version === undefined) return { status: 404, body: { error: { message: 'not found' } } };
    if (method === 'GET' && url.pathname.endsWith('/publicKey')) return { body: { pem: options.pair.publicKey.export({ format: 'pem', type: 'spki' }), algorithm: options.algorithm, name: version.name } };
    if (method === 'GET') return { body: version };
    expect([method, headers['content-type']]).toEqual(['POST', 'application/json']);
    const json = JSON.parse(body.toString()) as unknown;
    expect(json).toEqual(options.hash === null ? { data: message.toString('base64') } : { digest: { [options.hash]: createHash(options.hash).update(message).digest('base64') } });
    const input = options.pss ? { key: options.pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : options.pair.privateKey;
    return { body: { signature: sign(options.hash, message, input).toString('base64'), name: version.name } };
  });
  return server;
}

describe('gcpClient', () => {
  it.each([
    { algorithm: 'EC_SIGN_P256_SHA256', pair: ec, hash: 'sha256', scheme: 'ecdsa' },
    { algorithm: 'EC_SIGN_P384_SHA384', pair: p384, hash: 'sha384', scheme: 'ecdsa' },
    { algorithm: 'RSA_SIGN_PKCS1_2048_SHA256', pair: rsa, hash: 'sha256', scheme: 'rsa-pkcs1v15' },
    { algorithm: 'RSA_SIGN_PSS_2048_SHA256', pair: rsa, hash: 'sha256', pss: true, scheme: 'rsa-pss' },
    { algorithm: 'EC_SIGN_ED25519', pair: ed, hash: null, scheme: 'ed25519' },
  ])('signs with the newest enabled version: $algorithm', async ({ scheme, ...options }) => {
    const { url, requests } = await cloudKms(options as never);
    const signer = kmsSigner(gcpClient({ key }, { endpoint: url, accessToken: async () => 'fake-access-token' }));
    const { key: used } = await signer.signBytes(message, signal);
    expect(used.algorithm).toEqual({ scheme, ...(options.hash === null ? {} : { hash: options.hash }) });
    expect(requests.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      `GET /v1/${key}/cryptoKeyVersions`,
      `GET /v1/${key}/cryptoKeyVersions/10/publicKey`,
      `POST /v1/${key}/cryptoKeyVersions/10:asymmetricSign`,
    ]);
  });

  it('uses the version of the reference, and the endpoint of the environment', async () => {
    const { url, requests } = await cloudKms({ algorithm: 'EC_SIGN_P256_SHA256', pair: ec, hash: 'sha256' });
    const signer = kmsSigner(gcpClient({ key, version: '2' }, { env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: `${url}/` }, accessToken: async () => 'fake-access-token' }));
    await signer.signBytes(message, signal);
    expect(requests.at(-1)?.path).toBe(`/v1/${key}/cryptoKeyVersions/2:asymmetricSign`);
  });

  it.each([
    { name: 'missing rights', options: { algorithm: 'EC_SIGN_P256_SHA256', refuse: 403 }, error: /Cloud KMS http:.*403.*useToSign' denied.*roles\/cloudkms\.signerVerifier/ },
    { name: 'an algorithm that cosign has not', options: { algorithm: 'EC_SIGN_SECP256K1_SHA256' }, error: /EC_SIGN_SECP256K1_SHA256, with which cosign cannot verify/ },
  ])('names $name', async ({ options, error }) => {
    const { url } = await cloudKms({ pair: ec, hash: 'sha256', ...options });
    await expect(kmsSigner(gcpClient({ key }, { endpoint: url, accessToken: async () => 'fake-access-token' })).signBytes(message, signal)).rejects.toThrow(error);
  });

  it('says that there is no enabled version', async () => {
    server = await startServer(() => ({ body: {} }));
    await expect(gcpClient({ key }, { endpoint: server.url, accessToken: async () => 't' }).fetchKey(signal)).rejects.toThrow(/has no enabled version/);
  });
});
