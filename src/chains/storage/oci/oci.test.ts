import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Registries } from '../../../registry/client.ts';
import { digestOf } from '../../../registry/digest.ts';
import type { ImageManifest, IndexManifest } from '../../../registry/media-types.ts';
import { FakeRegistry, HurriedClock } from '../../../registry/registry.fake.ts';
import { parseChainsConfig } from '../../config/parse.ts';
import { signBytes } from '../../signing/algorithm.ts';
import { envelopeJson } from '../../signing/dsse.ts';
import { payloadSigner, type Signer } from '../../signing/signer.ts';
import type { StorageBackend, StoreRequest } from '../backend.ts';
import { attachmentTag } from './attachment.ts';
import { createOciBackend } from './backend.ts';

const signal = AbortSignal.timeout(110_000);
const digest = `sha256:${'a'.repeat(64)}`;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const anonymous = {
  of: () => ({
    find: () => Promise.resolve({ credentials: undefined, origin: '' }),
    explain: () => Promise.resolve('add a secret'),
    forget: () => false,
  }),
};

let registry: FakeRegistry;
let backend: StorageBackend;
let folder = '';
const authorityFolder = mkdtempSync(path.join(tmpdir(), 'oci-authority-'));
const authority = { key: path.join(authorityFolder, 'key'), certificate: path.join(authorityFolder, 'ca'), pem: '' };

beforeAll(() => {
  const { key, certificate } = authority;
  const made = ['-keyout', key, '-out', certificate, '-subj', '/CN=authority', '-days', '2'];
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...form, ...made], { stdio: 'ignore' });
  authority.pem = readFileSync(certificate, 'utf8');
});
afterAll(() => rmSync(authorityFolder, { recursive: true }));

beforeEach(async () => {
  registry = await FakeRegistry.start();
  backend = createOciBackend({
    registries: new Registries(),
    credentials: anonymous,
    runCredentials: anonymous,
    clock: new HurriedClock(),
  });
  folder = mkdtempSync(path.join(tmpdir(), 'oci-test-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await registry.server.stop();
});

/** A signer with a key, and with a certificate for `name` if that is given, which it wrote itself if it is forged. */
function signerOf(name?: string, isForged = false): Signer {
  const [key, certificate] = [path.join(folder, 'key'), path.join(folder, 'certificate')];
  const by = name && !isForged ? ['-CA', authority.certificate, '-CAkey', authority.key] : [];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      key,
      '-out',
      certificate,
      '-days',
      '2',
      '-subj',
      '/',
      '-addext',
      `subjectAltName=URI:${name ?? 'none'}`,
      ...by,
    ],
    { stdio: 'ignore' },
  );
  const privateKey = createPrivateKey(readFileSync(key));
  const algorithm = { scheme: 'ecdsa', hash: 'sha256' } as const;
  const own = {
    publicKey: createPublicKey(privateKey),
    algorithm,
    ...(name ? { certificate: readFileSync(certificate, 'utf8'), chain: authority.pem } : {}),
  };
  return payloadSigner({
    description: '',
    signBytes: async (bytes) => ({ signature: await signBytes(privateKey, algorithm, bytes), key: own }),
  });
}

async function request(
  signer: Signer,
  options: { wrap?: boolean; text?: string; settings?: Record<string, string>; more?: Partial<StoreRequest> } = {},
): Promise<StoreRequest> {
  const { wrap = true, text = '{"a":1}', settings = {}, more = {} } = options;
  const subjects = [{ repository: `${registry.server.host}/app`, digest }];
  const payload = {
    json: Buffer.from(text),
    payloadType: 'application/vnd.in-toto+json' as const,
    predicateType: 'https://slsa.dev/provenance/v1',
    wrap,
    subjects,
  };
  const run = { kind: 'TaskRun', metadata: { namespace: 'ns' }, spec: {} } as StoreRequest['run'];
  return {
    run,
    artifact: { kind: 'taskrun', shortKey: 'k', fullKey: 'f', payload },
    signature: await signer.sign(payload, signal),
    config: parseChainsConfig(settings).config,
    ...more,
  };
}

const att = () => registry.manifest<ImageManifest>('app', attachmentTag(digest, 'att'));
const sig = () => registry.manifest<ImageManifest>('app', attachmentTag(digest, 'sig'));

describe('keyless signatures', () => {
  it.each([
    ['of one identity leave one layer, whatever the certificate', 'https://issuer/me', 1],
    ['of another identity are added', 'https://issuer/other', 2],
  ])('%s', async (_, second, layers) => {
    for (const wrap of [true, false])
      for (const name of ['https://issuer/me', second])
        await backend.store(await request(signerOf(name), { wrap }), signal);
    expect([att()?.layers.length, sig()?.layers.length]).toEqual([layers, layers]);
  });

  it("carry certificate and chain, and are told from those of a key in strangers' layers", async () => {
    await backend.store(await request(signerOf('https://issuer/me')), signal);
    expect(att()?.layers[0]?.annotations).toMatchObject({
      'dev.sigstore.cosign/certificate': expect.stringContaining('BEGIN CERTIFICATE') as string,
      'dev.sigstore.cosign/chain': authority.pem,
    });
    forgetOurs();
    await backend.store(await request(signerOf('https://issuer/me')), signal);
    expect(att()?.layers).toHaveLength(1);
    forgetOurs();
    await backend.store(await request(signerOf()), signal);
    expect(att()?.layers).toHaveLength(2);
  });
});

/** Makes the layers look as others' products write them. */
function forgetOurs(): void {
  const manifest = att();
  for (const layer of manifest?.layers ?? [])
    for (const key of ['tektite.dev/payload', 'tektite.dev/signer']) delete layer.annotations?.[key];
  registry.put('app', attachmentTag(digest, 'att'), JSON.stringify(manifest), manifestType);
}

describe('a layer that somebody else put there does not count as ours', () => {
  it('when it only says that it is', async () => {
    const signer = signerOf();
    for (const [wrap, attached] of [
      [true, att],
      [false, sig],
    ] as const) {
      const wanted = await request(signer, { wrap });
      await backend.store(wanted, signal);
      const manifest = attached();
      const [layer] = manifest?.layers ?? [];
      // The same words about it, another content or another signature.
      const forged = JSON.stringify({ payload: '', signatures: [] });
      if (layer?.annotations) layer.annotations['dev.cosignproject.cosign/signature'] = wrap ? '' : 'Zm9yZ2Vk';
      if (layer && wrap) layer.digest = digestOf(Buffer.from(forged));
      if (wrap) registry.blobs.set(digestOf(Buffer.from(forged)), forged);
      registry.put('app', attachmentTag(digest, wrap ? 'att' : 'sig'), JSON.stringify(manifest), manifestType);
      await backend.store(wanted, signal);
      expect(attached()?.layers).toHaveLength(2);
      await backend.store(wanted, signal);
      expect(attached()?.layers).toHaveLength(2);
    }
  });

  it('when its certificate for our name is not of our authority', async () => {
    for (const wrap of [true, false]) {
      await backend.store(await request(signerOf('https://issuer/me', true), { wrap }), signal);
      await backend.store(await request(signerOf('https://issuer/me'), { wrap }), signal);
    }
    expect([att()?.layers.length, sig()?.layers.length]).toEqual([2, 2]);
  });
});

it('a layer whose content is gone does not keep ours away', async () => {
  const wanted = await request(signerOf());
  await backend.store(wanted, signal);
  const manifest = att();
  for (const layer of manifest?.layers ?? []) layer.digest = `sha256:${'0'.repeat(64)}`;
  registry.put('app', attachmentTag(digest, 'att'), JSON.stringify(manifest), manifestType);
  await backend.store(wanted, signal);
  expect(att()?.layers).toHaveLength(2);
});

describe('with whose credentials', () => {
  it.each([
    ['with those of Chains where the run has none', {}, 'own'],
    ['never, where pushing must be proved', { 'artifacts.oci.verify-push': 'true' }, 'run'],
    ['but when told to', { 'artifacts.oci.verify-push': 'true', 'storage.oci.lend-credentials': 'true' }, 'own'],
    ['never, when told so', { 'storage.oci.lend-credentials': 'false' }, 'run'],
  ])('%s', async (_name, settings, expected) => {
    const asked: string[] = [];
    const source = (name: string) => ({
      of: () => {
        asked.push(name);
        return anonymous.of();
      },
    });
    const lending = createOciBackend({
      registries: new Registries(),
      credentials: source('own'),
      runCredentials: source('run'),
    });
    await lending.store(await request(signerOf(), { settings }), signal);
    expect(asked).toEqual([expected]);
  });
});

it('a bundle goes beside its image, whatever repository there is for other signatures', async () => {
  registry.put('app', digest, '{}', manifestType);
  const settings = {
    'storage.oci.encoding-format': 'sigstore-bundle',
    'storage.oci.repository': `${registry.server.host}/elsewhere`,
  };
  await backend.store(await request(signerOf(), { settings }), signal);
  const written = registry.server.heard.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
  expect(written.length).toBeGreaterThan(0);
  expect(written.every(({ path: at }) => at.startsWith('/v2/app/'))).toBe(true);
});

describe('timestamps', () => {
  it('of the envelope go to .att, those of the signature to .sig', async () => {
    const signer = signerOf();
    const timestamps = { timestamp: Buffer.from('signature'), envelopeTimestamp: Buffer.from('envelope') };
    for (const wrap of [true, false]) await backend.store(await request(signer, { wrap, more: timestamps }), signal);
    const of = (manifest: ImageManifest | undefined) =>
      Buffer.from(
        (
          JSON.parse(manifest?.layers[0]?.annotations?.['dev.sigstore.cosign/rfc3161timestamp'] ?? '{}') as {
            SignedRFC3161Timestamp: string;
          }
        ).SignedRFC3161Timestamp,
        'base64',
      ).toString();
    expect([of(att()), of(sig())]).toEqual(['envelope', 'signature']);
  });

  it('that came later take the place of the layer without', async () => {
    const signer = signerOf();
    await backend.store(await request(signer), signal);
    await backend.store(await request(signer, { text: '{"b":2}' }), signal);
    const later = await request(signer, { more: { envelopeTimestamp: Buffer.from('t') } });
    await backend.store(later, signal);
    expect(att()?.layers).toHaveLength(2);
    expect(registry.blobs.get(att()?.layers[0]?.digest ?? '')).toBe(
      envelopeJson(later.signature.envelope ?? { payloadType: '', payload: '', signatures: [] }),
    );
  });
});

describe('what is under the tag', () => {
  const tag = attachmentTag(digest, 'att');
  it.each([
    [
      'an index',
      JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] }),
      'holds application/vnd.oci.image.index.v1+json, not an image manifest as cosign writes it',
    ],
    ['no JSON', 'x', 'holds what is not JSON'],
  ])('is left alone when it is %s', async (_, bytes, message) => {
    registry.put('app', tag, bytes, 'application/vnd.oci.image.index.v1+json');
    await expect(backend.store(await request(signerOf()), signal)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining(
        `storage oci, k: ${registry.server.host}/app@${digest}: ${registry.server.host}/app:${tag} ${message}`,
      ) as string,
    });
    expect(registry.manifests.get(`app ${tag}`)?.bytes).toBe(bytes);
  });

  it("keeps others' fields, media types and config", async () => {
    const config = JSON.stringify({
      architecture: 'amd64',
      author: 'cosign',
      rootfs: { type: 'layers', diff_ids: ['sha256:1'] },
      history: [{ created_by: 'x' }],
    });
    registry.blobs.set('sha256:c', config);
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    const other = { mediaType: 'other', size: 1, digest: 'sha256:1', annotations: { x: 'y' } };
    registry.put(
      'app',
      tag,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: docker,
        config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: 1, digest: 'sha256:c' },
        layers: [other],
        annotations: { own: '1' },
      }),
      docker,
    );
    await backend.store(await request(signerOf()), signal);
    expect(att()).toMatchObject({
      mediaType: docker,
      config: { mediaType: 'application/vnd.docker.container.image.v1+json' },
      layers: [other, {}],
      annotations: { own: '1' },
    });
    expect(registry.manifests.get(`app ${tag}`)?.mediaType).toBe(docker);
    expect(JSON.parse(registry.blobs.get(att()?.config.digest ?? '') ?? '')).toEqual({
      architecture: 'amd64',
      author: 'cosign',
      history: [{ created_by: 'x' }, { created: '0001-01-01T00:00:00Z' }],
      rootfs: { type: 'layers', diff_ids: ['sha256:1', att()?.layers[1]?.digest] },
    });
  });

  it('gets a new config when the old one is gone', async () => {
    const signer = signerOf();
    await backend.store(await request(signer), signal);
    registry.blobs.delete(att()?.config.digest ?? '');
    await backend.store(await request(signer, { text: '{"b":2}' }), signal);
    expect(JSON.parse(registry.blobs.get(att()?.config.digest ?? '') ?? '')).toMatchObject({
      rootfs: { diff_ids: att()?.layers.map((layer) => layer.digest) },
    });
  });

  it('does not grow beyond what registries take', async () => {
    const layers = Array.from({ length: 500 }, () => ({
      mediaType: 'other',
      size: 1,
      digest: 'sha256:1',
      annotations: { certificate: 'x'.repeat(9000) },
    }));
    registry.put(
      'app',
      tag,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: '', size: 1, digest: 'sha256:c' },
        layers,
      }),
      manifestType,
    );
    await expect(backend.store(await request(signerOf()), signal)).rejects.toThrow(
      /would have a manifest of \d+ bytes, and registries take 4194304/,
    );
  });
});

describe('refuses', () => {
  it.each([
    ['a payload larger than cosign reads', { json: { length: 101 * 1024 * 1024 } }, /cosign reads at most 134217728/],
    ['nothing else', {}, undefined],
  ])('%s', async (_, payload: object, wanted) => {
    const plain = await request(signerOf());
    const refusal = backend.refuses?.({
      ...plain,
      artifact: { ...plain.artifact, payload: { ...plain.artifact.payload, ...payload } },
    });
    if (wanted) expect(refusal).toMatch(wanted);
    else expect(refusal).toBeUndefined();
  });
});

describe('bundles', () => {
  const settings = { 'storage.oci.encoding-format': 'sigstore-bundle' };
  const logEntry = {
    url: '',
    logIndex: 7,
    logId: '00',
    integratedTime: 5,
    body: 'e30=',
    tlogEntry: {
      logIndex: '7',
      logId: { keyId: 'AA==' },
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      integratedTime: '5',
      inclusionProof: { logIndex: '7', rootHash: 'AA==', treeSize: '8', hashes: [], checkpoint: { envelope: 'c' } },
      canonicalizedBody: 'e30=',
    },
  };
  const index = () => registry.manifest<IndexManifest>('app', digest.replace(':', '-'));

  it.each([false, true])('are stored once for a payload and signer (referrers API: %s)', async (api) => {
    registry.referrersApi = api;
    registry.manifests.set(`app ${digest}`, { bytes: '{}', mediaType: manifestType });
    const signer = signerOf();
    for (const text of ['{"a":1}', '{"a":1}', '{"b":2}'])
      await backend.store(await request(signer, { settings, text }), signal);
    await backend.store(await request(signerOf('https://issuer/me'), { settings }), signal);
    await backend.store(await request(signerOf('https://issuer/me'), { settings }), signal);
    const puts = registry.server.lines.filter((line) => line.startsWith('PUT /v2/app/manifests/sha256:'));
    expect(puts).toHaveLength(3);
    expect(index()?.manifests.length).toBe(api ? undefined : 3);
  });

  it('with the log entry join those that had none', async () => {
    registry.manifests.set(`app ${digest}`, { bytes: '{}', mediaType: manifestType });
    const signer = signerOf();
    await backend.store(await request(signer, { settings }), signal);
    for (let pass = 0; pass < 2; pass += 1)
      await backend.store(await request(signer, { settings, more: { logEntry } }), signal);
    expect(index()?.manifests).toHaveLength(2);
  });

  it('need the image', async () => {
    await expect(backend.store(await request(signerOf(), { settings }), signal)).rejects.toThrow(
      `${registry.server.host}/app has no manifest ${digest}, and a bundle refers to the manifest; push the image first`,
    );
  });
});
