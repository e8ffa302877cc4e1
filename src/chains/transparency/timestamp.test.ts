import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { ASN1Obj, RFC3161Timestamp } from '@sigstore/core';
import { initializeTSA, tsaHandler } from '@sigstore/mock';
import { afterEach, describe, expect, it } from 'vitest';
import { startServer, type FakeServer } from '../signing/http-server.fake.ts';
import { requestTimestamp, timestampRequest } from './timestamp.ts';

const signal = new AbortController().signal;
const signature = Buffer.from('signature bytes');
let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Sigstore's mock of an authority; it reads JSON, so the DER of the request is taken apart before it. */
async function authority(stampFor?: Buffer): Promise<FakeServer> {
  const tsa = await initializeTSA(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const handler = tsaHandler(tsa, { strict: true });
  server = await startServer(async ({ method, headers, body }) => {
    expect([method, headers['content-type'], headers.accept]).toEqual([
      'POST',
      'application/timestamp-query',
      'application/timestamp-reply',
    ]);
    const [version, imprint, nonce, certificates] = ASN1Obj.parseBuffer(Buffer.from(body)).subs;
    expect([version!.toInteger(), certificates!.toBoolean(), imprint!.subs[0]!.subs[0]!.toOID()]).toEqual([
      1n,
      true,
      '2.16.840.1.101.3.4.2.1',
    ]);
    const hash = stampFor === undefined ? imprint!.subs[1]!.value : createHash('sha256').update(stampFor).digest();
    const { statusCode, response } = await handler.fn(
      JSON.stringify({
        artifactHash: hash.toString('base64'),
        hashAlgorithm: 'sha256',
        nonce: Number(nonce!.toInteger() & 0xffffffffn),
        certificates: true,
      }),
    );
    return {
      status: statusCode,
      headers: { 'content-type': 'application/timestamp-reply' },
      body: Buffer.from(response as Uint8Array),
    };
  });
  return Object.assign(server, { certificates: [tsa.intCertificate, tsa.rootCertificate] });
}

describe('requestTimestamp', () => {
  it("gets a response over the bytes, which verifies with the authority's certificate", async () => {
    const fake = (await authority()) as FakeServer & { certificates: Buffer[] };
    const der = await requestTimestamp(fake.url, signature, signal);
    expect(fake.requests[0]?.path).toBe('/api/v1/timestamp');
    const stamp = RFC3161Timestamp.parse(Buffer.from(der));
    expect(() => stamp.verify(signature, new X509Certificate(fake.certificates[0]!).publicKey)).not.toThrow();
    expect(() => stamp.verify(Buffer.from('other'), new X509Certificate(fake.certificates[0]!).publicKey)).toThrow();
  });

  it('uses an address with a path as it is', async () => {
    const fake = await authority();
    await requestTimestamp(`${fake.url}/tsr`, signature, signal);
    expect(fake.requests[0]?.path).toBe('/tsr');
  });

  it('does not take a timestamp of something else', async () => {
    const fake = await authority(Buffer.from('other'));
    await expect(requestTimestamp(fake.url, signature, signal)).rejects.toThrow(
      /is no timestamp: it is for another message; check transparency\.timestamp-url/,
    );
  });

  it.each([
    // TimeStampResp ::= SEQUENCE { PKIStatusInfo { status 2 (rejection) } }
    { name: 'a refusal with status 200', body: Buffer.from('30053003020102', 'hex'), error: /is no timestamp: / },
    { name: 'what is no DER', body: 'hello', error: /is no timestamp: / },
  ])('names $name', async ({ body, error }) => {
    server = await startServer(() => ({ body }));
    await expect(requestTimestamp(server.url, signature, signal)).rejects.toThrow(error);
  });

  it('refuses an address that is none', async () => {
    await expect(requestTimestamp('tsa', signature, signal)).rejects.toThrow(
      /timestamp-url in chains-config is "tsa", which is not a URL/,
    );
  });
});

describe('timestampRequest', () => {
  it.each([
    { nonce: '0102030405060708', der: '0102030405060708' },
    { nonce: 'ff02030405060708', der: '7f02030405060708' },
    { nonce: '0002030405060708', der: '0102030405060708' },
    { nonce: '8002030405060708', der: '0102030405060708' },
  ])('keeps the nonce $nonce a positive number of minimal length', ({ nonce, der }) => {
    const request = timestampRequest(signature, Buffer.from(nonce, 'hex'));
    expect(request.toString('hex')).toBe(
      `3043020101${`3031300d0609608648016503040201050004${'20'}${createHash('sha256').update(signature).digest('hex')}`}0208${der}0101ff`,
    );
  });
});
