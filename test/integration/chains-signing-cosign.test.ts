import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosign, COSIGN_LINES, type Cosign } from '../../hack/sigstore/cosign.ts';
import { sigstoreBundle } from '../../src/chains/signing/bundle.ts';
import { encryptCosignKey } from '../../src/chains/signing/cosign-key.fake.ts';
import { envelopeJson } from '../../src/chains/signing/dsse.ts';
import { fileKeySigner, type SigningSecret } from '../../src/chains/signing/file-key.ts';
import { payloadSigner, type Signature } from '../../src/chains/signing/signer.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Payload } from '../../src/chains/types.ts';

/**
 * A stranger's cosign, with nothing but the public key and no flag about algorithms, accepts what every kind of key
 * signs.
 */

const signal = new AbortController().signal;
const artifact = Buffer.from('what the run built');
const digest = createHash('sha256').update(artifact).digest('hex');
const image: Payload = { json: artifact, payloadType: simpleSigningPayloadType, wrap: false, subjects: [] };
const statement: Payload = {
  json: Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'artifact', digest: { sha256: digest } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: { buildDefinition: { buildType: 'x', externalParameters: {} }, runDetails: { builder: { id: 'y' } } },
    }),
  ),
  payloadType: inTotoPayloadType,
  predicateType: 'https://slsa.dev/provenance/v1',
  wrap: true,
  subjects: [],
};

const pkcs8 = (key: KeyObject): SigningSecret => ({
  'x509.pem': Buffer.from(key.export({ format: 'pem', type: 'pkcs8' })),
});
const ofCosign = (key: KeyObject): SigningSecret => ({
  'cosign.key': encryptCosignKey(key, 'p', { N: 65_536 }),
  'cosign.password': Buffer.from('p'),
});
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const secrets: { name: string; secret: SigningSecret }[] = [
  { name: 'x509.pem P-256', secret: pkcs8(p256) },
  { name: 'cosign.key P-256', secret: ofCosign(p256) },
  { name: 'x509.pem P-384', secret: pkcs8(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey) },
  { name: 'x509.pem P-521', secret: pkcs8(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey) },
  { name: 'cosign.key RSA 2048', secret: ofCosign(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey) },
  { name: 'cosign.key Ed25519', secret: ofCosign(generateKeyPairSync('ed25519').privateKey) },
  { name: 'x509.pem Ed25519', secret: pkcs8(generateKeyPairSync('ed25519').privateKey) },
];

describe.each(COSIGN_LINES)('cosign %s', (line) => {
  let folder: string;
  let tool: Cosign;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'chains-signing-'));
    tool = await cosign(line, { folder });
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  async function put(name: string, content: string | Uint8Array): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, content);
    return file;
  }

  async function signed(
    secret: SigningSecret,
    payload: Payload,
  ): Promise<{ signature: Signature; key: string; blob: string }> {
    const signature = await payloadSigner(await fileKeySigner(secret)).sign(payload, signal);
    return { signature, key: await put('key.pub', signature.publicKeyPem), blob: await put('artifact', artifact) };
  }

  // v3 reads a bundle unless it is told otherwise.
  const old = line === 'v3' ? ['--new-bundle-format=false'] : [];

  it.each(secrets)('accepts a signature by $name, and not for other bytes', async ({ secret }) => {
    const { signature, key, blob } = await signed(secret, image);
    const sig = await put('artifact.sig', Buffer.from(signature.signature).toString('base64'));
    const verify = ['verify-blob', '--key', key, '--signature', sig, '--insecure-ignore-tlog=true', ...old];
    await tool.run(...verify, blob);
    const tampered = await tool.try(...verify, await put('tampered', `${artifact.toString()}.`));
    expect(tampered.status).not.toBe(0);
    expect(tampered.stderr).toMatch(/invalid signature|failed to verify signature|verification error/);
  });

  it.each(secrets)('accepts an attestation by $name, and not a changed one', async ({ secret }) => {
    const { signature, key, blob } = await signed(secret, statement);
    const verify = (file: string) => [
      'verify-blob-attestation',
      '--key',
      key,
      '--signature',
      file,
      '--insecure-ignore-tlog=true',
      '--type',
      'slsaprovenance1',
      ...old,
      blob,
    ];
    await tool.run(...verify(await put('attestation.json', envelopeJson(signature.envelope!))));
    const changed = {
      ...signature.envelope!,
      payload: Buffer.from(statement.json).toString('base64').replace(/^./, 'f'),
    };
    expect((await tool.try(...verify(await put('changed.json', envelopeJson(changed))))).status).not.toBe(0);
  });

  it.each(secrets)('accepts a bundle by $name', async ({ secret }) => {
    const { signature, key, blob } = await signed(secret, statement);
    const bundle = await put('bundle.json', await sigstoreBundle({ signature }));
    // v2 wants roots of trust for any bundle, also where none is used.
    const noRoots = await put(
      'no-roots.json',
      JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' }),
    );
    const flags = line === 'v2' ? ['--new-bundle-format', '--trusted-root', noRoots] : [];
    await tool.run(
      'verify-blob-attestation',
      '--key',
      key,
      '--bundle',
      bundle,
      '--insecure-ignore-tlog=true',
      '--type',
      'slsaprovenance1',
      ...flags,
      blob,
    );
  });
});
