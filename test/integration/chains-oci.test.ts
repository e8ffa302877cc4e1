import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchContent, pushTinyImage, startRegistry, tagsOf } from '../../hack/sigstore/local-registry.ts';
import { stopServices } from '../../hack/sigstore/services.ts';
import { imageSignaturePayload } from '../../src/chains/signing/bundle.ts';
import { createOciBackend } from '../../src/chains/storage/oci/backend.ts';
import type { ImageSubject } from '../../src/chains/types.ts';
import { Registries } from '../../src/registry/client.ts';
import { digestOf } from '../../src/registry/digest.ts';
import type { ImageManifest, IndexManifest } from '../../src/registry/media-types.ts';
import { newSigner, requestFor, signal, simpleSigning, statement } from './chains-signed.ts';

const anonymous = {
  of: () => ({
    find: () => Promise.resolve({ credentials: undefined, origin: 'nowhere' }),
    explain: () => Promise.resolve('add a secret'),
    forget: () => false,
  }),
};
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

let folder = '';
let host = '';
let registries: Registries;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-chains-oci-'));
  host = await startRegistry('distribution', { folder, outlive: false, signal });
  registries = new Registries();
});
afterAll(async () => {
  await registries.close();
  await stopServices(folder);
  await rm(folder, { recursive: true, force: true });
});

/** Another at each call: a second try finds nothing of the first. */
async function image(repository: string, seed: string = randomUUID()): Promise<ImageSubject> {
  const { digest } = await pushTinyImage(host, repository, seed);
  return { repository: `${host}/${repository}`, digest };
}

async function manifestAt(repository: string, reference: string): Promise<ImageManifest> {
  const bytes = await fetchContent(host, repository, 'manifests', reference);
  if (!bytes) throw new Error(`no ${repository}:${reference}`);
  return JSON.parse(bytes.toString('utf8')) as ImageManifest;
}

const tagOf = (subject: ImageSubject, suffix: string) => `${subject.digest.replace(':', '-')}.${suffix}`;

describe('.sig and .att', () => {
  it('are images as cosign writes them', async () => {
    const subject = await image('team/app');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    const signed = await requestFor(simpleSigning(subject));
    const attested = await requestFor(statement(subject, 'one'));
    await backend.store(signed, signal);
    await backend.store(attested, signal);

    const sig = await manifestAt('team/app', tagOf(subject, 'sig'));
    expect(sig).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json' },
    });
    expect(sig.layers).toEqual([
      {
        mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        size: signed.artifact.payload.json.length,
        digest: digestOf(signed.artifact.payload.json),
        annotations: {
          'dev.cosignproject.cosign/signature': Buffer.from(signed.signature.signature).toString('base64'),
          'tektite.dev/payload': digestOf(signed.artifact.payload.json),
          'tektite.dev/signer': signed.signature.keyId,
        },
      },
    ]);
    const config = JSON.parse(
      (await fetchContent(host, 'team/app', 'blobs', sig.config.digest))?.toString('utf8') ?? '',
    ) as object;
    expect(config).toEqual({
      architecture: '',
      created: '0001-01-01T00:00:00Z',
      history: [{ created: '0001-01-01T00:00:00Z' }],
      os: '',
      rootfs: { type: 'layers', diff_ids: [sig.layers[0]?.digest] },
      config: {},
    });

    const att = await manifestAt('team/app', tagOf(subject, 'att'));
    expect(att.layers).toHaveLength(1);
    expect(att.layers[0]).toMatchObject({
      mediaType: 'application/vnd.dsse.envelope.v1+json',
      annotations: { 'dev.cosignproject.cosign/signature': '', predicateType: 'https://slsa.dev/provenance/v1' },
    });
    const envelope = await fetchContent(host, 'team/app', 'blobs', att.layers[0]?.digest ?? '');
    expect(JSON.parse(envelope?.toString('utf8') ?? '')).toEqual(attested.signature.envelope);
  });

  it('get no second layer for the same payload, signed anew by the same key', async () => {
    const subject = await image('team/again');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    for (let pass = 0; pass < 3; pass += 1) {
      await backend.store(await requestFor(simpleSigning(subject)), signal);
      await backend.store(await requestFor(statement(subject, 'same')), signal);
    }
    expect((await manifestAt('team/again', tagOf(subject, 'sig'))).layers).toHaveLength(1);
    expect((await manifestAt('team/again', tagOf(subject, 'att'))).layers).toHaveLength(1);
  });

  it('get a second layer for another key and another payload', async () => {
    const subject = await image('team/other');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    const other = newSigner();
    await backend.store(await requestFor(simpleSigning(subject)), signal);
    await backend.store(await requestFor(simpleSigning(subject), {}, other), signal);
    await backend.store(await requestFor(statement(subject, 'one')), signal);
    await backend.store(await requestFor(statement(subject, 'two')), signal);
    await backend.store(await requestFor(statement(subject, 'two'), {}, other), signal);
    expect((await manifestAt('team/other', tagOf(subject, 'sig'))).layers).toHaveLength(2);
    const att = await manifestAt('team/other', tagOf(subject, 'att'));
    expect(att.layers).toHaveLength(3);
    const config = JSON.parse(
      (await fetchContent(host, 'team/other', 'blobs', att.config.digest))?.toString('utf8') ?? '',
    ) as { rootfs: { diff_ids: string[] } };
    expect(config.rootfs.diff_ids).toEqual(att.layers.map((layer) => layer.digest));
  });

  it('know their own payload in a layer without our annotations (cosign, upstream Chains)', async () => {
    const subject = await image('team/stranger');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    await backend.store(await requestFor(simpleSigning(subject)), signal);
    await backend.store(await requestFor(statement(subject, 'same')), signal);
    for (const suffix of ['sig', 'att']) {
      const manifest = await manifestAt('team/stranger', tagOf(subject, suffix));
      for (const layer of manifest.layers)
        for (const key of ['tektite.dev/payload', 'tektite.dev/signer']) delete layer.annotations?.[key];
      const repository = registries.repository(host, 'team/stranger', { access: 'push' });
      await repository.putManifest(
        tagOf(subject, suffix),
        { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: manifest.mediaType ?? '' },
        signal,
      );
    }
    await backend.store(await requestFor(simpleSigning(subject)), signal);
    await backend.store(await requestFor(statement(subject, 'same')), signal);
    expect((await manifestAt('team/stranger', tagOf(subject, 'sig'))).layers).toHaveLength(1);
    expect((await manifestAt('team/stranger', tagOf(subject, 'att'))).layers).toHaveLength(1);
    await backend.store(await requestFor(statement(subject, 'diff')), signal);
    expect((await manifestAt('team/stranger', tagOf(subject, 'att'))).layers).toHaveLength(2);
  });

  it('get the log entry that came later in place of the layer without it', async () => {
    const subject = await image('team/log');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    await backend.store(await requestFor(statement(subject, 'one')), signal);
    const tlogEntry = {
      logIndex: '7',
      logId: { keyId: 'AA==' },
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      canonicalizedBody: 'e30=',
    };
    const logEntry = {
      url: 'http://log',
      logIndex: 7,
      logId: '00',
      integratedTime: 5,
      body: 'e30=',
      inclusionPromise: 'cHJvbWlzZQ==',
      tlogEntry,
    };
    await backend.store({ ...(await requestFor(statement(subject, 'one'))), logEntry }, signal);
    const { layers } = await manifestAt('team/log', tagOf(subject, 'att'));
    expect(layers).toHaveLength(1);
    expect(JSON.parse(layers[0]?.annotations?.['dev.sigstore.cosign/bundle'] ?? '')).toEqual({
      SignedEntryTimestamp: 'cHJvbWlzZQ==',
      Payload: { body: 'e30=', integratedTime: 5, logIndex: 7, logID: '00' },
    });
  });

  it('go to storage.oci.repository, where a second attestation does not replace the first', async () => {
    const subject = await image('team/elsewhere');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    const settings = { 'storage.oci.repository': `${host}/attestations` };
    for (const build of ['one', 'two'])
      await backend.store(await requestFor(statement(subject, build), settings), signal);
    expect((await manifestAt('attestations', tagOf(subject, 'att'))).layers).toHaveLength(2);
    expect(await tagsOf(host, 'team/elsewhere')).toEqual([]);
  });

  it('lose nothing when 20 write one tag at the same time', async () => {
    const subject = await image('team/crowd');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    const builds = Array.from({ length: 20 }, (_, index) => `build-${index}`);
    await Promise.all(builds.map(async (build) => backend.store(await requestFor(statement(subject, build)), signal)));
    expect(await buildsIn('team/crowd', subject)).toEqual([...builds].sort());
  });

  it('lose nothing that was there before when writers share no lock, as long as each looks again', async () => {
    const subject = await image('team/strangers');
    const builds = Array.from({ length: 6 }, (_, index) => `build-${index}`);
    // Every writer is another process, so to say; each writes one after another's write, never between its read and
    // write.
    for (const build of builds)
      await createOciBackend({ registries: new Registries(), credentials: anonymous, runCredentials: anonymous }).store(
        await requestFor(statement(subject, build)),
        signal,
      );
    expect(await buildsIn('team/strangers', subject)).toEqual(builds);
  });

  it('are refused by name at 1000 layers', async () => {
    const subject = await image('team/full');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    await backend.store(await requestFor(statement(subject, 'first')), signal);
    const manifest = await manifestAt('team/full', tagOf(subject, 'att'));
    const [layer] = manifest.layers;
    const many = Array.from({ length: 1000 }, (_, index) => ({
      ...layer,
      annotations: { 'tektite.dev/payload': String(index), 'tektite.dev/signer': 'x' },
    }));
    const repository = registries.repository(host, 'team/full', { access: 'push' });
    await repository.putManifest(
      tagOf(subject, 'att'),
      { bytes: Buffer.from(JSON.stringify({ ...manifest, layers: many })), mediaType: manifest.mediaType ?? '' },
      signal,
    );
    await expect(backend.store(await requestFor(statement(subject, 'one more')), signal)).rejects.toMatchObject({
      name: 'StorageError',
      retryable: false,
      message: expect.stringMatching(
        /^storage oci, key: .*team\/full:sha256-[0-9a-f]{64}\.att holds 1000 layers/,
      ) as string,
    });
  });

  it('are stored for good images when another one fails', async () => {
    const repository = `team/good-${randomUUID()}`;
    const subject = await image(repository);
    const payload = {
      ...statement(subject, 'x'),
      subjects: [{ repository: `${host}/Not/Valid`, digest: subject.digest }, subject],
    };
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    await expect(backend.store(await requestFor(payload), signal)).rejects.toThrow(
      /1 of 2 images failed: .*"Not\/Valid" is not a repository name/,
    );
    expect(await tagsOf(host, repository)).toEqual([tagOf(subject, 'att')]);
  });
});

async function buildsIn(repository: string, subject: ImageSubject): Promise<string[]> {
  const { layers } = await manifestAt(repository, tagOf(subject, 'att'));
  const found = await Promise.all(
    layers.map(async (layer) => {
      const envelope = JSON.parse(
        (await fetchContent(host, repository, 'blobs', layer.digest))?.toString('utf8') ?? '',
      ) as { payload: string };
      return (JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as { predicate: { build: string } })
        .predicate.build;
    }),
  );
  return found.sort();
}

describe('bundles', () => {
  const settings = { 'storage.oci.encoding-format': 'sigstore-bundle' };

  it('are referrers as cosign v3 writes them, listed at the fallback tag, once each', async () => {
    const subject = await image('team/bundle');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    const payloads = [imageSignaturePayload(subject), statement(subject, 'one')];
    for (const payload of [...payloads, ...payloads]) await backend.store(await requestFor(payload, settings), signal);

    const index = (await manifestAt('team/bundle', subject.digest.replace(':', '-'))) as unknown as IndexManifest;
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(index.manifests.map((one) => [one.mediaType, one.artifactType])).toEqual(
      Array(2).fill(['application/vnd.oci.image.manifest.v1+json', bundleType]),
    );
    const imageBytes = await fetchContent(host, 'team/bundle', 'manifests', subject.digest);
    const manifest = await manifestAt('team/bundle', index.manifests[0]?.digest ?? '');
    expect(manifest).toMatchObject({
      artifactType: bundleType,
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        size: 2,
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      },
      subject: {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: subject.digest,
        size: imageBytes?.length,
      },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
      },
    });
    expect(manifest.annotations?.['org.opencontainers.image.created']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const bundle = JSON.parse(
      (await fetchContent(host, 'team/bundle', 'blobs', manifest.layers[0]?.digest ?? ''))?.toString('utf8') ?? '',
    ) as object;
    expect(bundle).toMatchObject({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint: expect.any(String) as string } },
    });
  });

  it('of 20 writers are all in the index', async () => {
    const subject = await image('team/many-bundles');
    const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        backend.store(await requestFor(statement(subject, `build-${index}`), settings), signal),
      ),
    );
    const index = (await manifestAt('team/many-bundles', subject.digest.replace(':', '-'))) as unknown as IndexManifest;
    expect(new Set(index.manifests.map((one) => one.digest)).size).toBe(20);
  });

  it('refuse simplesigning payloads by name', async () => {
    const subject = await image('team/refused');
    const request = await requestFor(simpleSigning(subject), settings);
    expect(
      createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous }).refuses?.(request),
    ).toContain('"sigstore-bundle" needs a statement');
  });
});
