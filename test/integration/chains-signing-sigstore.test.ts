import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosign, type Cosign } from '../../hack/sigstore/cosign.ts';
import { createTestIssuer, serviceAccountIdentity } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import { parseChainsConfig } from '../../src/chains/config/parse.ts';
import { sigstoreBundle } from '../../src/chains/signing/bundle.ts';
import { keySigner } from '../../src/chains/signing/file-key.ts';
import { startServer } from '../../src/chains/signing/http-server.fake.ts';
import { payloadSigner, type Signature } from '../../src/chains/signing/signer.ts';
import { createSignerSource } from '../../src/chains/signing/source.ts';
import type { LogEntry } from '../../src/chains/log-entry.ts';
import { rekorBundleAnnotation, transparencyLog } from '../../src/chains/transparency/log.ts';
import { requestTimestamp } from '../../src/chains/transparency/timestamp.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Payload } from '../../src/chains/types.ts';

/**
 * Signers, logs and timestamps against a real Fulcio, Rekor (v1 and v2) and timestamp authority; the real cosign
 * judges.
 */

const signal = new AbortController().signal;
const artifact = Buffer.from('what the run built');
const image: Payload = { json: artifact, payloadType: simpleSigningPayloadType, wrap: false, subjects: [] };
let count = 0;
/** A statement that no log has seen. */
function statement(): Payload {
  const json = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'artifact', digest: { sha256: createHash('sha256').update(artifact).digest('hex') } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: { buildType: `x${(count += 1)}`, externalParameters: {} },
        runDetails: { builder: { id: 'y' } },
      },
    }),
  );
  return {
    json,
    payloadType: inTotoPayloadType,
    predicateType: 'https://slsa.dev/provenance/v1',
    wrap: true,
    subjects: [],
  };
}

const issuer = createTestIssuer();
const identity = serviceAccountIdentity('tekton-chains', 'tekton-chains-controller');
const byIdentity = ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer.url];
let folder: string;
let sigstore: Sigstore;
let v3: Cosign;
let blob: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'chains-sigstore-'));
  sigstore = await startSigstore({ rekor: true, rekorTiles: true, fulcio: true, timestampAuthority: true, issuer });
  v3 = await cosign('v3', { folder });
  blob = await put('artifact', artifact);
}, 900_000);
afterAll(async () => {
  await sigstore?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, content);
  return file;
}

const rekor = () => transparencyLog({ url: sigstore.rekorUrl!, api: 'v1' });
const tiles = () => transparencyLog({ url: sigstore.rekorTilesUrl!, api: 'v2' });
const sign = (key: KeyObject, payload: Payload) => payloadSigner(keySigner(key, 'x509.pem')).sign(payload, signal);

/** cosign v3 on a bundle of a statement about `artifact`. */
async function verifyBundle(
  parts: { signature: Signature; logEntries?: LogEntry[]; timestamps?: Uint8Array[] },
  ...flags: string[]
) {
  const bundle = await put('bundle.json', await sigstoreBundle(parts));
  return v3.try(
    'verify-blob-attestation',
    '--bundle',
    bundle,
    '--type',
    'slsaprovenance1',
    '--trusted-root',
    sigstore.trustedRootPath,
    ...flags,
    blob,
  );
}

const keys: { name: string; key: KeyObject }[] = [
  { name: 'P-256', key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  { name: 'P-384', key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey },
  { name: 'RSA', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
  { name: 'Ed25519', key: generateKeyPairSync('ed25519').privateKey },
];

describe('keyless', () => {
  async function keyless() {
    const tokenFile = await put('oidc-token', issuer.serviceAccountToken('tekton-chains', 'tekton-chains-controller'));
    const { config } = parseChainsConfig({
      'signers.x509.fulcio.enabled': 'true',
      'signers.x509.fulcio.address': sigstore.fulcioUrl!,
      'signers.x509.fulcio.provider': 'filesystem',
    });
    return createSignerSource({ config: () => config, secret: () => ({}), tokenFile, env: {} });
  }

  it('signs with a certificate of Fulcio, which cosign accepts by identity and issuer, and by no other', async () => {
    const payload = statement();
    const signature = await (await keyless())('taskrun').then((signer) => signer.sign(payload, signal));
    expect(signature.chain!.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const logEntries = [await rekor().upload(payload, signature, signal)];
    expect(await verifyBundle({ signature, logEntries }, ...byIdentity)).toMatchObject({ status: 0 });
    const wrong = await verifyBundle(
      { signature, logEntries },
      '--certificate-identity',
      serviceAccountIdentity('other', 'robot'),
      '--certificate-oidc-issuer',
      issuer.url,
    );
    expect(wrong.status).not.toBe(0);
    expect(wrong.stderr).toMatch(/expected SAN value .*serviceaccounts\/robot/);
  });

  it('signs with a timestamp in place of a log', async () => {
    const signature = await (await keyless())('taskrun').then((signer) => signer.sign(statement(), signal));
    const timestamps = [await requestTimestamp(sigstore.tsaUrl!, signature.signature, signal)];
    expect(
      await verifyBundle(
        { signature, timestamps },
        ...byIdentity,
        '--insecure-ignore-tlog=true',
        '--use-signed-timestamps',
      ),
    ).toMatchObject({ status: 0 });
    const other = [await requestTimestamp(sigstore.tsaUrl!, Buffer.from('other'), signal)];
    expect(
      (
        await verifyBundle(
          { signature, timestamps: other },
          ...byIdentity,
          '--insecure-ignore-tlog=true',
          '--use-signed-timestamps',
        )
      ).status,
    ).not.toBe(0);
  });

  it('signs with a tile-backed log, where a timestamp says the time', async () => {
    const payload = statement();
    const signature = await (await keyless())('taskrun').then((signer) => signer.sign(payload, signal));
    const logEntries = [await tiles().upload(payload, signature, signal)];
    const timestamps = [await requestTimestamp(sigstore.tsaUrl!, signature.signature, signal)];
    expect(
      await verifyBundle({ signature, logEntries, timestamps }, ...byIdentity, '--use-signed-timestamps'),
    ).toMatchObject({ status: 0 });
  });

  it('says what Fulcio thinks of a token for somebody else', async () => {
    const tokenFile = await put('wrong-token', issuer.serviceAccountToken('a', 'b', { audience: 'vault' }));
    const { config } = parseChainsConfig({
      'signers.x509.fulcio.enabled': 'true',
      'signers.x509.fulcio.address': sigstore.fulcioUrl!,
    });
    const signer = await createSignerSource({ config: () => config, secret: () => ({}), tokenFile, env: {} })(
      'taskrun',
    );
    await expect(signer.sign(statement(), signal)).rejects.toThrow(
      /Fulcio http.*: 4\d\d: .*identity token.*audience sigstore/,
    );
  });
});

describe('Rekor v1', () => {
  it.each(keys)('takes an attestation by $name, and cosign accepts it by key', async ({ key }) => {
    const payload = statement();
    const signature = await sign(key, payload);
    const logEntries = [await rekor().upload(payload, signature, signal)];
    expect(
      await verifyBundle({ signature, logEntries }, '--key', await put('key.pub', signature.publicKeyPem)),
    ).toMatchObject({ status: 0 });
  });

  it.each(keys.filter(({ name }) => name === 'P-256' || name === 'RSA'))(
    'takes an image signature by $name',
    async ({ key }) => {
      const entry = await rekor().upload(image, await sign(key, image), signal);
      expect(JSON.parse(Buffer.from(entry.body, 'base64').toString())).toMatchObject({
        kind: 'hashedrekord',
        apiVersion: '0.0.1',
      });
      const response = await fetch(entry.url);
      expect(Object.keys((await response.json()) as object)).toEqual([entry.uuid]);
    },
  );

  it('names the keys whose image signatures it does not take', async () => {
    await expect(
      sign(keys[1]!.key, image).then((signature) => rekor().upload(image, signature, signal)),
    ).rejects.toThrow(/refuses ecdsa-p384-sha256: .* use a P-256 key/);
    await expect(
      sign(keys[3]!.key, image).then((signature) => rekor().upload(image, signature, signal)),
    ).rejects.toThrow(/Ed25519ph.* use an ECDSA P-256 key/);
  });

  it('finds the entry that is there already, and never makes a second one', async () => {
    const payload = statement();
    const signature = await sign(keys[0]!.key, payload);
    const first = await rekor().upload(payload, signature, signal);
    const again = await rekor().upload(payload, signature, signal);
    expect(again).toMatchObject({ logIndex: first.logIndex, body: first.body, url: first.url });
    expect(
      (await verifyBundle({ signature, logEntries: [again] }, '--key', await put('key.pub', signature.publicKeyPem)))
        .status,
    ).toBe(0);
  });
});

describe('annotation dev.sigstore.cosign/bundle', () => {
  it.each(['v2', 'v3'] as const)('proves the entry to cosign %s without asking the log', async (line) => {
    const signature = await sign(keys[0]!.key, image);
    const entry = await rekor().upload(image, signature, signal);
    const bundle = (annotation: string) =>
      JSON.stringify({
        base64Signature: Buffer.from(signature.signature).toString('base64'),
        rekorBundle: JSON.parse(annotation) as object,
      });
    const verify = async (annotation: string) =>
      (await cosign(line, { folder, env: sigstore.env })).try(
        'verify-blob',
        '--key',
        await put('key.pub', signature.publicKeyPem),
        '--bundle',
        await put('legacy.json', bundle(annotation)),
        '--offline',
        ...(line === 'v3' ? ['--new-bundle-format=false'] : []),
        blob,
      );
    const annotation = rekorBundleAnnotation(entry)!;
    expect(await verify(annotation)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('Verified OK') as string,
    });
    expect(
      (await verify(annotation.replace(`"logIndex":${entry.logIndex}`, `"logIndex":${entry.logIndex + 1}`))).status,
    ).not.toBe(0);
  });
});

describe('Rekor v2', () => {
  it.each(keys.slice(0, 1).concat(keys.slice(2, 3)))(
    'takes an attestation and an image signature by $name, and cosign accepts the first by key',
    async ({ key }) => {
      const payload = statement();
      const signature = await sign(key, payload);
      const logEntries = [await tiles().upload(payload, signature, signal)];
      const timestamps = [await requestTimestamp(sigstore.tsaUrl!, signature.signature, signal)];
      expect(
        await verifyBundle(
          { signature, logEntries, timestamps },
          '--key',
          await put('key.pub', signature.publicKeyPem),
          '--use-signed-timestamps',
        ),
      ).toMatchObject({ status: 0 });
      // RSA signs the same payload the same way, and a log takes an entry once.
      const other = { ...image, json: Buffer.from(randomUUID()) };
      const entry = await tiles().upload(other, await sign(key, other), signal);
      expect(entry.tlogEntry.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
    },
  );

  it('finds the entry that is there already', async () => {
    const payload = statement();
    const signature = await sign(keys[0]!.key, payload);
    const front = await startServer(async ({ method, path: target, headers, body }) => {
      // Reads are served out of the log's storage by whatever stands before the server that writes.
      if (method === 'GET')
        return { body: await readFile(path.join(sigstore.folder, 'rekor-tiles', target.replace('/api/v2/', ''))) };
      const answer = await fetch(`${sigstore.rekorTilesUrl}${target}`, {
        method,
        headers: { 'content-type': headers['content-type']! },
        body,
      });
      return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
    });
    const tiles = () => transparencyLog({ url: front.url, api: 'v2' });
    const first = await tiles().upload(payload, signature, signal);
    for (let more = 0; more < 3; more += 1) await tiles().upload(image, await sign(keys[0]!.key, image), signal);
    const again = await tiles().upload(payload, signature, signal);
    expect(again).toMatchObject({ logIndex: first.logIndex, body: first.body, logId: first.logId });
    const timestamps = [await requestTimestamp(sigstore.tsaUrl!, signature.signature, signal)];
    const key = await put('key.pub', signature.publicKeyPem);
    expect(
      await verifyBundle({ signature, logEntries: [again], timestamps }, '--key', key, '--use-signed-timestamps'),
    ).toMatchObject({ status: 0 });
    expect(
      front.requests.filter(({ method }) => method === 'GET').map(({ path: target }) => target.split('/')[3]),
    ).toEqual(expect.arrayContaining(['checkpoint', 'tile']));
    await front.close();
  });

  it('names what the log does not take', async () => {
    const p384 = await sign(keys[1]!.key, image);
    await expect(tiles().upload(image, p384, signal)).rejects.toThrow(
      /Rekor http.*\/api\/v2\/log\/entries: 4\d\d.*; check transparency\.url/,
    );
  });
});
