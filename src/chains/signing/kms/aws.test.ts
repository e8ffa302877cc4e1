import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startServer, type FakeServer, type SeenRequest } from '../http-server.fake.ts';
import { awsClient } from './aws.ts';
import { kmsSigner } from './kms.ts';

const signal = new AbortController().signal;
const message = Buffer.from('message');
const secretKey = 'fake-secret-access-key';
const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

let server: FakeServer | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
});

/** Signature version 4 computed anew from the request, as the service does. */
function expectSigned({ method, path, headers, body }: SeenRequest, region: string): void {
  const [, date, signedHeaders = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=fake-access-key\/(\d{8})\/[a-z0-9-]+\/kms\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  expect(headers.authorization).toContain(`/${region}/kms/aws4_request`);
  expect(signedHeaders.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-target']));
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const hex = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  const canonical = [
    method,
    path,
    '',
    ...signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedHeaders,
    hex(body),
  ].join('\n');
  const scope = `${date}/${region}/kms/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hex(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, date ?? ''), region), 'kms'), 'aws4_request');
  expect(signature).toBe(hmac(key, toSign).toString('hex'));
}

async function awsKms(options: {
  pair: typeof ec;
  offered: string[];
  used?: string;
  hash?: string;
  region?: string;
  refuse?: string;
}) {
  server = await startServer((request) => {
    expectSigned(request, options.region ?? 'eu-central-1');
    expect(request).toMatchObject({
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/x-amz-json-1.1' },
    });
    if (options.refuse)
      return {
        status: 400,
        body: { __type: options.refuse, message: 'User is not authorized to perform: kms:Sign' },
        headers: { 'content-type': 'application/x-amz-json-1.1' },
      };
    const json = JSON.parse(request.body.toString()) as unknown;
    const headers = { 'content-type': 'application/x-amz-json-1.1' };
    if (request.headers['x-amz-target'] === 'TrentService.GetPublicKey') {
      expect(json).toEqual({ KeyId: 'alias/chains' });
      return {
        headers,
        body: JSON.stringify({
          KeyId: arn,
          KeyUsage: 'SIGN_VERIFY',
          PublicKey: options.pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
          SigningAlgorithms: options.offered,
        }),
      };
    }
    expect(request.headers['x-amz-target']).toBe('TrentService.Sign');
    const hash = options.hash ?? 'sha256';
    expect(json).toEqual({
      KeyId: 'alias/chains',
      Message: createHash(hash).update(message).digest('base64'),
      MessageType: 'DIGEST',
      SigningAlgorithm: options.used,
    });
    return {
      headers,
      body: JSON.stringify({
        KeyId: arn,
        Signature: sign(hash, message, options.pair.privateKey).toString('base64'),
        SigningAlgorithm: options.used,
      }),
    };
  });
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'fake-access-key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretKey);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  return server;
}

describe('awsClient', () => {
  it.each([
    { name: 'P-256', pair: ec, offered: ['ECDSA_SHA_256'], used: 'ECDSA_SHA_256', hash: 'sha256' },
    { name: 'P-384', pair: p384, offered: ['ECDSA_SHA_384'], used: 'ECDSA_SHA_384', hash: 'sha384' },
    {
      name: 'RSA, whatever is listed first',
      pair: rsa,
      offered: ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_512', 'RSASSA_PKCS1_V1_5_SHA_256'],
      used: 'RSASSA_PKCS1_V1_5_SHA_256',
      hash: 'sha256',
    },
  ])('signs a digest: $name', async (options) => {
    const { requests } = await awsKms(options as never);
    await kmsSigner(awsClient({ endpoint: '', key: 'alias/chains' })).signBytes(message, signal);
    expect(requests.map(({ headers }) => headers['x-amz-target'])).toEqual([
      'TrentService.GetPublicKey',
      'TrentService.Sign',
    ]);
  });

  it('takes the region out of an ARN', async () => {
    await awsKms({ pair: ec, offered: ['ECDSA_SHA_256'], used: 'ECDSA_SHA_256', region: 'us-east-2' });
    await kmsSigner(awsClient({ endpoint: '', key: 'alias/chains', region: 'us-east-2' })).signBytes(message, signal);
  });

  it('names key, action and the way out of a refusal', async () => {
    await awsKms({ pair: ec, offered: [], refuse: 'AccessDeniedException' });
    await expect(awsClient({ endpoint: '', key: 'alias/chains' }).fetchKey(signal)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(
        /^AWS KMS awskms:\/\/\/alias\/chains: GetPublicKey: AccessDeniedException: User is not authorized.*kms:GetPublicKey and kms:Sign$/,
      ) as string,
    });
  });

  it('refuses a key that signs nothing cosign knows', async () => {
    await awsKms({ pair: ec, offered: ['SM2DSA'] });
    await expect(awsClient({ endpoint: '', key: 'alias/chains' }).fetchKey(signal)).rejects.toThrow(
      /signs with SM2DSA.*ECC_NIST_P256/,
    );
  });
});
