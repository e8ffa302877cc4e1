import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle';
import { X509Certificate as SigstoreCertificate } from '@sigstore/core';
import { fulcioHandler, initializeCA, initializeCTLog, initializeTLog, rekorHandler } from '@sigstore/mock';
import { toSignedEntity, Verifier, type TrustMaterial } from '@sigstore/verify';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogEntry } from '../log-entry.ts';
import { transparencyLog } from '../transparency/log.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Payload } from '../types.ts';
import { imageSignaturePayload, publicKeyHint, sigstoreBundle } from './bundle.ts';
import { keySigner } from './file-key.ts';
import { keylessSigner } from './keyless.ts';
import { startServer, type FakeServer } from './http-server.fake.ts';
import { payloadSigner } from './signer.ts';

const signal = new AbortController().signal;
const statement: Payload = {
  json: Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}'),
  payloadType: inTotoPayloadType,
  predicateType: 'p',
  wrap: true,
  subjects: [],
};
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = payloadSigner(keySigner(pair.privateKey, 'cosign.key'));
const validFor = { start: new Date(0), end: new Date('2200-01-01') };
const nothing: TrustMaterial = {
  certificateAuthorities: [],
  timestampAuthorities: [],
  tlogs: [],
  ctlogs: [],
  publicKey: () => ({ publicKey: pair.publicKey, validFor: () => true }),
};

const servers: FakeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function serve(handler: {
  fn: (body: string) => Promise<{ statusCode: number; response: unknown }>;
}): Promise<string> {
  const server = await startServer(async ({ body }) => {
    const { statusCode, response } = await handler.fn(body.toString());
    return { status: statusCode, body: String(response) };
  });
  servers.push(server);
  return server.url;
}

describe('sigstoreBundle', () => {
  it('is what cosign v3 writes for a key without a log, field by field', async () => {
    const signature = await signer.sign(statement, signal);
    expect(JSON.parse((await sigstoreBundle({ signature })).toString())).toEqual({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        publicKey: {
          hint: createHash('sha256')
            .update(pair.publicKey.export({ format: 'der', type: 'spki' }))
            .digest('base64'),
        },
      },
      dsseEnvelope: {
        payload: Buffer.from(statement.json).toString('base64'),
        payloadType: 'application/vnd.in-toto+json',
        signatures: [{ sig: Buffer.from(signature.signature).toString('base64') }],
      },
    });
  });

  it("verifies by key with Sigstore's library", async () => {
    const signature = await signer.sign(statement, signal);
    const bundle = bundleFromJSON(JSON.parse((await sigstoreBundle({ signature })).toString()));
    const verifier = new Verifier(
      {
        ...nothing,
        publicKey: (hint) => (
          expect(hint).toBe(publicKeyHint(signature.publicKeyPem)),
          { publicKey: pair.publicKey, validFor: () => true }
        ),
      },
      { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 },
    );
    expect(() => verifier.verify(toSignedEntity(bundle))).not.toThrow();
    const other = bundleFromJSON({
      ...bundleToJSON(bundle),
      dsseEnvelope: { ...bundleToJSON(bundle).dsseEnvelope, payload: Buffer.from('{}').toString('base64') },
    });
    expect(() => verifier.verify(toSignedEntity(other))).toThrow();
  });

  it('verifies keyless with a log entry: certificate, certificate log, entry and its time', async () => {
    const [caKeys, logKeys] = [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ];
    const ctlog = await initializeCTLog(caKeys);
    const ca = await initializeCA(caKeys, ctlog);
    const fulcio = await serve(fulcioHandler(ca));
    const tlog = await initializeTLog('http://rekor.example', logKeys);
    const canonical = await serve({
      fn: async (body) =>
        rekorHandler({
          ...tlog,
          publicKey: tlog.publicKey,
          log: (proposed) => tlog.log(canonicalDsse(proposed)),
          logV2: tlog.logV2.bind(tlog),
        }).fn(body),
    });
    const claims = Buffer.from(
      JSON.stringify({ sub: 'https://kubernetes.io/namespaces/a/serviceaccounts/b', iss: 'https://issuer.example' }),
    ).toString('base64url');
    const token = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${claims}.c2ln`;
    const settings = {
      fulcio: { enabled: true, address: fulcio, issuer: '', provider: 'envvar' },
      identityTokenFile: '',
    };
    const signature = await payloadSigner(keylessSigner(settings, { env: { SIGSTORE_ID_TOKEN: token } })).sign(
      statement,
      signal,
    );
    const entry = await transparencyLog({ url: canonical, api: 'v1' }).upload(statement, signature, signal);

    const json = JSON.parse((await sigstoreBundle({ signature, logEntries: [entry] })).toString()) as {
      verificationMaterial: { certificate: { rawBytes: string }; x509CertificateChain?: unknown };
    };
    expect(
      Buffer.from(json.verificationMaterial.certificate.rawBytes, 'base64').equals(
        new X509Certificate(signature.certificate!).raw,
      ),
    ).toBe(true);
    const keyId = (der: Buffer) => createHash('sha256').update(der).digest();
    const der = (keys: typeof caKeys) => keys.publicKey.export({ format: 'der', type: 'spki' });
    const trust: TrustMaterial = {
      ...nothing,
      certificateAuthorities: [
        {
          certChain: [SigstoreCertificate.parse(Buffer.from(ca.rootCertificate as Uint8Array<ArrayBuffer>))],
          validFor,
        },
      ],
      ctlogs: [{ logID: Buffer.from(ctlog.logID as never), baseURL: '', publicKey: caKeys.publicKey, validFor }],
      tlogs: [{ logID: keyId(der(logKeys)), baseURL: 'http://rekor.example', publicKey: logKeys.publicKey, validFor }],
    };
    const found = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1 }).verify(
      toSignedEntity(bundleFromJSON(json)),
    );
    expect(found.identity).toMatchObject({
      subjectAlternativeName: 'https://kubernetes.io/namespaces/a/serviceaccounts/b',
      extensions: { issuer: 'https://issuer.example' },
    });
  });

  it('carries timestamps', async () => {
    const json = JSON.parse(
      (
        await sigstoreBundle({ signature: await signer.sign(statement, signal), timestamps: [Buffer.from('stamp')] })
      ).toString(),
    ) as object;
    expect(json).toMatchObject({
      verificationMaterial: {
        timestampVerificationData: {
          rfc3161Timestamps: [{ signedTimestamp: Buffer.from('stamp').toString('base64') }],
        },
      },
    });
  });

  it('refuses what no verifier would take', async () => {
    const image: Payload = {
      json: Buffer.from('{}'),
      payloadType: simpleSigningPayloadType,
      wrap: false,
      subjects: [],
    };
    const unwrapped = await signer.sign(image, signal);
    await expect(sigstoreBundle({ signature: unwrapped })).rejects.toThrow(/holds a DSSE envelope/);
    const entry = {
      tlogEntry: {
        logIndex: '1',
        logId: { keyId: 'AA==' },
        kindVersion: { kind: 'dsse', version: '0.0.1' },
        canonicalizedBody: 'AA==',
      },
    } as LogEntry;
    await expect(
      sigstoreBundle({ signature: await signer.sign(statement, signal), logEntries: [entry] }),
    ).rejects.toThrow(/lack or misstate .*inclusionProof/);
  });
});

/** What the real Rekor makes of a proposed dsse entry; the mock keeps the proposal. */
function canonicalDsse(proposed: unknown): object {
  const { spec } = proposed as { spec: { proposedContent: { envelope: string; verifiers: string[] } } };
  const { envelope, verifiers } = spec.proposedContent;
  const parsed = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] };
  const sha256 = (bytes: Buffer | string) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(bytes).digest('hex'),
  });
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: sha256(envelope),
      payloadHash: sha256(Buffer.from(parsed.payload, 'base64')),
      signatures: [{ signature: parsed.signatures[0]!.sig, verifier: verifiers[0] }],
    },
  };
}

describe('imageSignaturePayload', () => {
  it('is the statement of cosign v3', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const payload = imageSignaturePayload({ repository: 'ghcr.io/a/b', digest });
    expect(Buffer.from(payload.json).toString()).toBe(
      `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"${'a'.repeat(64)}"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`,
    );
    expect(payload).toMatchObject({
      wrap: true,
      payloadType: inTotoPayloadType,
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      subjects: [{ repository: 'ghcr.io/a/b', digest }],
    });
  });
});
