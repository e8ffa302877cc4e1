import { createHash, createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fulcioHandler, initializeCA, initializeCTLog } from '@sigstore/mock';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import type { X509Settings } from '../config/settings.ts';
import { checkIssuer, issueCertificate, subjectOf } from './fulcio.ts';
import { startServer, type FakeServer } from './http-server.fake.ts';
import { keylessSigner } from './keyless.ts';

const signal = new AbortController().signal;
let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const claim = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: object) =>
  `${claim({ alg: 'RS256' })}.${claim(claims)}.${Buffer.from('signature').toString('base64url')}`;
const subject = 'https://kubernetes.io/namespaces/tekton-chains/serviceaccounts/tekton-chains-controller';
const token = tokenOf({ sub: subject, iss: 'https://kubernetes.default.svc', aud: ['sigstore'] });

interface Issued {
  signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
}

/** Sigstore's own mock of Fulcio behind HTTP, with the proof of possession judged as the real one does. */
async function fulcio(change: (answer: Issued) => unknown = (answer) => answer): Promise<FakeServer> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const handler = fulcioHandler(await initializeCA(pair, await initializeCTLog(pair)), { strict: true });
  server = await startServer(async ({ method, path, headers, body }) => {
    expect([method, path, headers['content-type']]).toEqual(['POST', '/api/v2/signingCert', 'application/json']);
    const json = JSON.parse(body.toString()) as {
      credentials: { oidcIdentityToken: string };
      publicKeyRequest: { publicKey: { algorithm: string; content: string }; proofOfPossession: string };
    };
    expect(Object.keys(json).sort()).toEqual(['credentials', 'publicKeyRequest']);
    expect(json.publicKeyRequest.publicKey.algorithm).toBe('ECDSA');
    const possession = Buffer.from(json.publicKeyRequest.proofOfPossession, 'base64');
    if (
      !verify(
        'sha256',
        Buffer.from(subjectOf(json.credentials.oidcIdentityToken)),
        createPublicKey(json.publicKeyRequest.publicKey.content),
        possession,
      )
    ) {
      return { status: 400, body: { code: 3, message: 'The signature supplied in the request could not be verified' } };
    }
    const { statusCode, response } = await handler.fn(body.toString());
    return { status: statusCode, body: statusCode === 201 ? change(JSON.parse(String(response)) as Issued) : response };
  });
  return server;
}

describe('issueCertificate', () => {
  it('proves possession of a fresh key and keeps leaf and chain', async () => {
    const { url } = await fulcio();
    const first = await issueCertificate(`${url}/`, token, signal);
    const leaf = new X509Certificate(first.certificate);
    const above = first.chain
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g)!
      .map((pem) => new X509Certificate(pem));
    expect(leaf.checkPrivateKey(first.privateKey)).toBe(true);
    expect(leaf.subjectAltName).toBe(`URI:${subject}`);
    expect(leaf.verify(above[0]!.publicKey)).toBe(true);
    expect(first.notAfter.toISOString()).toBe(new Date(leaf.validTo).toISOString());
    expect(first.certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----\n$/);
    const second = await issueCertificate(url, token, signal);
    expect(second.publicKey.equals(first.publicKey)).toBe(false);
  });

  it('takes the chain also where the certificate log answers apart', async () => {
    const { url } = await fulcio((answer) => ({
      signedCertificateDetachedSct: { ...answer.signedCertificateEmbeddedSct, signedCertificateTimestamp: 'AAAA' },
    }));
    expect((await issueCertificate(url, token, signal)).certificate).toContain('BEGIN CERTIFICATE');
  });

  it.each([
    { name: 'no chain', change: () => ({}), error: /the answer has no certificate chain/ },
    {
      name: 'an empty chain',
      change: () => ({ signedCertificateEmbeddedSct: { chain: { certificates: [] } } }),
      error: /the answer has no certificate chain/,
    },
    {
      name: 'a certificate of nothing',
      change: () => ({ signedCertificateEmbeddedSct: { chain: { certificates: ['x'] } } }),
      error: /certificate cannot be read/,
    },
    {
      name: 'the certificate of another key',
      change: (answer: Issued) => ({
        signedCertificateEmbeddedSct: {
          chain: { certificates: [...answer.signedCertificateEmbeddedSct.chain.certificates].reverse() },
        },
      }),
      error: /is for another key/,
    },
  ])('does not use $name', async ({ change, error }) => {
    const { url } = await fulcio(change);
    await expect(issueCertificate(url, token, signal)).rejects.toThrow(error);
  });

  it("gives Fulcio's own words and the way out of a refusal", async () => {
    server = await startServer(() => ({
      status: 400,
      body: { code: 3, message: 'There was an error processing the identity token', details: [] },
    }));
    await expect(issueCertificate(server.url, token, signal)).rejects.toThrow(
      /Fulcio http:.*\/api\/v2\/signingCert: 400: There was an error processing the identity token; check signers\.x509\.fulcio\.address.*issuer/,
    );
    expect(server.requests).toHaveLength(1);
  });

  it('reports how long it took', async () => {
    const { url } = await fulcio();
    const seen: unknown[] = [];
    await issueCertificate(url, token, signal, { observe: (...call) => seen.push(call) });
    expect(seen).toEqual([['fulcio', expect.any(Number), 'success']]);
  });
});

describe('subjectOf', () => {
  it.each([
    { claims: { sub: 's', email: 'a@example.com', email_verified: true }, subject: 'a@example.com' },
    { claims: { sub: 's', email: 'a@example.com', email_verified: 'true' }, subject: 'a@example.com' },
    { claims: { sub: 's' }, subject: 's' },
    { claims: { sub: 's', email: '' }, subject: 's' },
  ])('$claims is $subject', ({ claims, subject: wanted }) => {
    expect(subjectOf(tokenOf(claims))).toBe(wanted);
  });

  it.each([
    {
      name: 'an unverified address',
      given: tokenOf({ sub: 's', email: 'a@example.com' }),
      error: /a@example\.com, an address that its issuer has not verified/,
    },
    { name: 'nobody', given: tokenOf({}), error: /neither email nor sub/ },
    { name: 'no token', given: 'x.y.z', error: /not a JSON Web Token/ },
  ])('refuses $name', ({ given, error }) => {
    expect(() => subjectOf(given)).toThrow(error);
  });
});

describe('keylessSigner', () => {
  const settings = (address: string): X509Settings => ({
    fulcio: { enabled: true, address, issuer: '', provider: 'envvar' },
    identityTokenFile: '',
  });
  const env = { SIGSTORE_ID_TOKEN: token };
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');

  it('asks for one certificate for signatures at the same time, and for a new one in its last minute', async () => {
    const { url, requests } = await fulcio();
    const clock = new FakeClock(new Date());
    const signer = keylessSigner(settings(url), { env, clock });
    const [first, second] = await Promise.all(['a', 'b'].map((text) => signer.signBytes(Buffer.from(text), signal)));
    expect(requests).toHaveLength(1);
    expect(digest(first!.key.certificate!)).toBe(digest(second!.key.certificate!));
    expect(
      verify('sha256', Buffer.from('a'), new X509Certificate(first!.key.certificate!).publicKey, first!.signature),
    ).toBe(true);
    await clock.advance(8.5 * 60_000);
    await signer.signBytes(Buffer.from('c'), signal);
    expect(requests).toHaveLength(1);
    await clock.advance(60_000);
    const late = await signer.signBytes(Buffer.from('d'), signal);
    expect(requests).toHaveLength(2);
    expect(digest(late.key.certificate!)).not.toBe(digest(first!.key.certificate!));
  });

  it('asks again after a failure', async () => {
    let refuse = true;
    const { url } = await fulcio((answer) => (refuse ? {} : answer));
    const signer = keylessSigner(settings(url), { env });
    await expect(signer.signBytes(Buffer.from('a'), signal)).rejects.toThrow('no certificate chain');
    refuse = false;
    await expect(signer.signBytes(Buffer.from('a'), signal)).resolves.toBeDefined();
  });
});

describe('checkIssuer', () => {
  it.each([
    { claims: { iss: 'https://a' }, wanted: 'https://a', error: undefined },
    { claims: { iss: 'https://a' }, wanted: '', error: undefined },
    { claims: {}, wanted: '', error: undefined },
    {
      claims: { iss: 'https://a/' },
      wanted: 'https://a',
      error: /is of issuer "https:\/\/a\/", and signers\.x509\.fulcio\.issuer/,
    },
    {
      claims: {},
      wanted: 'https://a',
      error: /is of issuer "", and signers\.x509\.fulcio\.issuer in chains-config is "https:\/\/a"/,
    },
    { claims: { iss: ['https://a'] }, wanted: 'https://a', error: /is of issuer \["https:\/\/a"\]/ },
  ])('$claims where $wanted is wanted', ({ claims, wanted, error }) => {
    const check = () => checkIssuer(tokenOf(claims), wanted);
    if (error === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(error);
  });

  it('is asked before the token leaves the process', async () => {
    server = await startServer(() => ({ status: 500, body: '' }));
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-issuer-'));
    try {
      const file = path.join(folder, 'token');
      await writeFile(file, tokenOf({ iss: 'https://other', sub: 's' }));
      const signer = keylessSigner({
        fulcio: { enabled: true, address: server.url, issuer: 'https://a', provider: 'filesystem-custom-path' },
        identityTokenFile: file,
      });
      await expect(signer.signBytes(Buffer.from('x'), signal)).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining('https://other'),
      });
      expect(server.requests).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
