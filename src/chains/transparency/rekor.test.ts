import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { initializeTLog, rekorHandler, rekorV2Handler } from '@sigstore/mock';
import { afterEach, describe, expect, it } from 'vitest';
import { envelopeJson, preAuthEncoding } from '../signing/dsse.ts';
import { keySigner } from '../signing/file-key.ts';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../signing/http-server.fake.ts';
import { payloadSigner, type Signature } from '../signing/signer.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Payload } from '../types.ts';
import { leafHash } from './tiles.ts';
import { rekorBundleAnnotation, timestampAnnotation, transparencyLog } from './log.ts';

const signal = new AbortController().signal;
const statement: Payload = {
  json: Buffer.from('{"_type":"x"}'),
  payloadType: inTotoPayloadType,
  predicateType: 'p',
  wrap: true,
  subjects: [],
};
const image: Payload = {
  json: Buffer.from('{"critical":{}}'),
  payloadType: simpleSigningPayloadType,
  wrap: false,
  subjects: [],
};
const pairs = {
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ed25519: generateKeyPairSync('ed25519'),
};
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString('base64');
const sign = (pair: { privateKey: KeyObject }, payload: Payload) =>
  payloadSigner(keySigner(pair.privateKey, 'k')).sign(payload, signal);

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Sigstore's mock of a log behind HTTP. */
async function log(
  version: 'v1' | 'v2',
  before: (request: SeenRequest, earlier: number) => FakeAnswer | undefined = () => undefined,
): Promise<FakeServer> {
  const tlog = await initializeTLog('http://rekor.example', generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const handler = version === 'v1' ? rekorHandler(tlog, { strict: true }) : rekorV2Handler(tlog, { strict: true });
  server = await startServer(async (request, earlier) => {
    const answer = before(request, earlier);
    if (answer !== undefined) return answer;
    if (request.path !== handler.path || request.method !== 'POST') return { status: 404 };
    const { statusCode, response } = await handler.fn(request.body.toString());
    return { status: statusCode, headers: { 'content-type': 'application/json' }, body: String(response) };
  });
  return server;
}

const sent = (fake: FakeServer) => JSON.parse(fake.requests[0]!.body.toString()) as unknown;

describe('Rekor v1', () => {
  it('writes an envelope as dsse 0.0.1', async () => {
    const fake = await log('v1');
    const signature = await sign(pairs.p256, statement);
    const entry = await transparencyLog({ url: `${fake.url}/`, api: 'v1' }).upload(statement, signature, signal);
    expect(sent(fake)).toEqual({
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        proposedContent: { envelope: envelopeJson(signature.envelope!), verifiers: [base64(signature.publicKeyPem)] },
      },
    });
    expect(entry.url).toBe(`${fake.url}/api/v1/log/entries?logIndex=${entry.logIndex}`);
    expect(entry.tlogEntry).toMatchObject({
      logIndex: String(entry.logIndex),
      integratedTime: String(entry.integratedTime),
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      canonicalizedBody: entry.body,
      inclusionPromise: { signedEntryTimestamp: entry.inclusionPromise },
    });
    expect(Buffer.from(entry.tlogEntry.logId.keyId, 'base64').toString('hex')).toBe(entry.logId);
    expect(entry.tlogEntry.inclusionProof?.checkpoint?.envelope).toContain('rekor.example');
    expect(entry.uuid).toMatch(/^[0-9a-f]{64}$/);
  });

  it('writes the rest as hashedrekord 0.0.1, with the certificate where there is one', async () => {
    const fake = await log('v1');
    const signature: Signature = {
      ...(await sign(pairs.p384, image)),
      certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      chain: '',
    };
    await transparencyLog({ url: fake.url, api: 'v1' }).upload(image, signature, signal);
    expect(sent(fake)).toEqual({
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(image.json).digest('hex') } },
        signature: { content: base64(signature.signature), publicKey: { content: base64(signature.certificate!) } },
      },
    });
  });

  const uuid = `24296fb24b8ad77a${'ab'.repeat(32)}`;
  it.each([
    {
      name: 'Location',
      conflict: {
        headers: { location: `/api/v1/log/entries/${uuid}` },
        body: { code: 409, message: 'an equivalent entry already exists in the transparency log' },
      },
    },
    {
      name: 'Location elsewhere, of which only the name is taken',
      conflict: { headers: { location: `https://elsewhere.example/api/v1/log/entries/${uuid}` }, body: {} },
    },
    {
      name: 'the message',
      conflict: {
        body: {
          code: 409,
          message: `an equivalent entry already exists in the transparency log with UUID /api/v1/log/entries/${uuid}`,
        },
      },
    },
  ])('uses the entry that is there already, by $name', async ({ conflict }) => {
    const signature = await sign(pairs.p256, statement);
    const first = await log('v1');
    const written = await transparencyLog({ url: first.url, api: 'v1' }).upload(statement, signature, signal);
    await first.close();
    const stored = {
      [uuid]: {
        body: written.body,
        integratedTime: written.integratedTime,
        logID: written.logId,
        logIndex: written.logIndex,
        verification: { signedEntryTimestamp: written.inclusionPromise },
      },
    };
    const fake = await log('v1', ({ method, path }) =>
      method === 'POST'
        ? { status: 409, ...conflict }
        : path === `/api/v1/log/entries/${uuid}`
          ? { body: stored }
          : { status: 404 },
    );
    const seen: unknown[] = [];
    const again = await transparencyLog({ url: fake.url, api: 'v1' }, { observe: (...call) => seen.push(call) }).upload(
      statement,
      signature,
      signal,
    );
    expect(again).toMatchObject({
      uuid,
      logIndex: written.logIndex,
      body: written.body,
      url: `${fake.url}/api/v1/log/entries?logIndex=${written.logIndex}`,
    });
    expect(fake.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(seen).toEqual([['rekor', expect.any(Number), 'success']]);
  });

  it('says that a conflict without a name cannot be followed', async () => {
    const fake = await log('v1', () => ({ status: 409, body: {} }));
    await expect(
      transparencyLog({ url: fake.url, api: 'v1' }).upload(statement, await sign(pairs.p256, statement), signal),
    ).rejects.toThrow(/does not say which/);
  });

  it.each([
    {
      name: 'an image by Ed25519',
      payload: image,
      signature: async () => sign(pairs.ed25519, image),
      error: /Ed25519ph.*use an ECDSA P-256 key, or turn transparency off/,
    },
    {
      name: 'an envelope with SHA-384',
      payload: statement,
      signature: async () => ({
        ...(await sign(pairs.p384, statement)),
        hash: 'sha384' as const,
        algorithm: 'ecdsa-p384-sha384',
      }),
      error: /SHA-256, but the key signs with sha384 \(ecdsa-p384-sha384\)/,
    },
    {
      name: 'RSA-PSS',
      payload: statement,
      signature: async () => ({ ...(await sign(pairs.rsa, statement)), scheme: 'rsa-pss' as const }),
      error: /PKCS#1 v1\.5/,
    },
  ])('refuses $name before anything is sent', async ({ payload, signature, error }) => {
    const fake = await log('v1');
    await expect(
      transparencyLog({ url: fake.url, api: 'v1' }).upload(payload, await signature(), signal),
    ).rejects.toMatchObject({ retryable: false, message: expect.stringMatching(error) as string });
    expect(fake.requests).toEqual([]);
  });

  it.each([
    {
      name: 'an answer without an entry',
      answer: { body: {} },
      error: /the answer has no log entry; check transparency\.url/,
    },
    {
      name: 'the other version',
      answer: { status: 404, body: { message: 'path /api/v1/log/entries was not found' } },
      error: /404: path .*was not found; check transparency\.url .*transparency\.api to "v2"/,
    },
  ])('names $name', async ({ answer, error }) => {
    const fake = await log('v1', () => answer);
    await expect(
      transparencyLog({ url: fake.url, api: 'v1' }).upload(statement, await sign(pairs.p256, statement), signal),
    ).rejects.toThrow(error);
  });
});

describe('Rekor v2', () => {
  it.each([
    { key: 'p256' as const, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
    { key: 'p384' as const, keyDetails: 'PKIX_ECDSA_P384_SHA_256' },
    { key: 'rsa' as const, keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256' },
  ])('writes what was signed as hashedrekord, with the verifier by name: $keyDetails', async ({ key, keyDetails }) => {
    const fake = await log('v2');
    for (const payload of [statement, image]) {
      const signature = await sign(pairs[key], payload);
      const entry = await transparencyLog({ url: fake.url, api: 'v2' }).upload(payload, signature, signal);
      const signed = payload.wrap ? preAuthEncoding(payload.payloadType, payload.json) : payload.json;
      expect(JSON.parse(fake.requests.at(-1)!.body.toString())).toEqual({
        hashedRekordRequestV002: {
          digest: createHash('sha256').update(signed).digest('base64'),
          signature: {
            content: base64(signature.signature),
            verifier: {
              publicKey: { rawBytes: pairs[key].publicKey.export({ format: 'der', type: 'spki' }).toString('base64') },
              keyDetails,
            },
          },
        },
      });
      expect(entry).toMatchObject({
        integratedTime: 0,
        tlogEntry: { kindVersion: { kind: 'hashedrekord', version: '0.0.2' }, logIndex: String(entry.logIndex) },
      });
      expect(entry.tlogEntry).not.toHaveProperty('integratedTime');
      expect(rekorBundleAnnotation(entry)).toBeUndefined();
    }
  });

  it('gives the certificate as verifier where there is one', async () => {
    const fake = await log('v2');
    const signature: Signature = {
      ...(await sign(pairs.p256, statement)),
      certificate: '-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n',
    };
    await transparencyLog({ url: fake.url, api: 'v2' }).upload(statement, signature, signal);
    expect(sent(fake)).toMatchObject({
      hashedRekordRequestV002: { signature: { verifier: { x509Certificate: { rawBytes: 'AAAABBBB' } } } },
    });
  });

  it('writes an envelope of a pure Ed25519 key as dsse, which has no hash to write', async () => {
    const fake = await log('v2');
    const signature = await sign(pairs.ed25519, statement);
    await transparencyLog({ url: fake.url, api: 'v2' }).upload(statement, signature, signal);
    expect(sent(fake)).toMatchObject({
      dsseRequestV002: { envelope: signature.envelope, verifiers: [{ keyDetails: 'PKIX_ED25519' }] },
    });
  });

  it.each([
    { name: 'an image by Ed25519', key: 'ed25519' as const, payload: image, change: {}, error: /Ed25519ph/ },
    {
      name: 'a hash without a name',
      key: 'rsa' as const,
      payload: statement,
      change: { hash: 'sha512' as const, algorithm: 'rsa-2048-pkcs1v15-sha512' },
      error: /no name for rsa-2048-pkcs1v15-sha512/,
    },
  ])('refuses $name', async ({ key, payload, change, error }) => {
    const fake = await log('v2');
    await expect(
      transparencyLog({ url: fake.url, api: 'v2' }).upload(
        payload,
        { ...(await sign(pairs[key], payload)), ...change },
        signal,
      ),
    ).rejects.toThrow(error);
    expect(fake.requests).toEqual([]);
  });

  it('reads the entry that is there already out of the tiles, once the log has told its ID', async () => {
    const entry = Buffer.from('{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{}}');
    const root = leafHash(entry);
    const files: Record<string, Buffer> = {
      checkpoint: Buffer.from(`rekor.example\n1\n${root.toString('base64')}\n\n— rekor.example AAAA\n`),
      'tile/entries/000.p/1': Buffer.concat([Buffer.of(0, entry.length), entry]),
    };
    let conflict = true;
    const fake = await log('v2', ({ method, path }) => {
      if (method === 'GET') return { body: files[path.replace('/api/v2/', '')] };
      return conflict
        ? {
            status: 409,
            body: { code: 6, message: 'an equivalent entry already exists in the transparency log with index 0' },
          }
        : undefined;
    });
    const upload = async () =>
      transparencyLog({ url: fake.url, api: 'v2' }).upload(statement, await sign(pairs.p256, statement), signal);
    await expect(upload()).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/has this signature already \(index 0\).*tried again/) as string,
    });
    conflict = false;
    const { logId } = await upload();
    conflict = true;
    expect(await upload()).toMatchObject({
      logIndex: 0,
      logId,
      body: entry.toString('base64'),
      tlogEntry: { inclusionProof: { treeSize: '1', rootHash: root.toString('base64'), hashes: [] } },
    });
    files['tile/entries/000.p/1'] = Buffer.concat([Buffer.of(0, entry.length), entry.map((byte) => byte ^ 1)]);
    await expect(upload()).rejects.toThrow(/proof of entry 0 does not lead to the log's checkpoint/);
  });

  it('says that an answer without a proof is none', async () => {
    const fake = await log('v2', () => ({ body: { logIndex: '1' } }));
    await expect(
      transparencyLog({ url: fake.url, api: 'v2' }).upload(statement, await sign(pairs.p256, statement), signal),
    ).rejects.toThrow(/no log entry with an inclusion proof/);
  });
});

describe('annotations for cosign', () => {
  it('writes the bundle as cosign reads it', async () => {
    const fake = await log('v1');
    const entry = await transparencyLog({ url: fake.url, api: 'v1' }).upload(
      statement,
      await sign(pairs.p256, statement),
      signal,
    );
    expect(rekorBundleAnnotation(entry)).toBe(
      `{"SignedEntryTimestamp":"${entry.inclusionPromise}","Payload":{"body":"${entry.body}","integratedTime":${entry.integratedTime},"logIndex":${entry.logIndex},"logID":"${entry.logId}"}}`,
    );
  });

  it('writes the timestamp as cosign reads it', () => {
    expect(timestampAnnotation(Buffer.from('der'))).toBe('{"SignedRFC3161Timestamp":"ZGVy"}');
  });
});

it('refuses a log without a URL', () => {
  expect(() => transparencyLog({ url: 'rekor', api: 'v1' })).toThrow(
    /transparency\.url in chains-config is "rekor", which is not a URL/,
  );
});
