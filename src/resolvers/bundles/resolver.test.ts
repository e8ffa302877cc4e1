import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CredentialSource } from '../../images/run-credentials.ts';
import { Registries } from '../../registry/client.ts';
import type { Descriptor } from '../../registry/media-types.ts';
import { startMemoryRegistry, type MemoryRegistry } from '../../registry/memory-registry.fake.ts';
import { shippedConfig } from '../defaults.ts';
import { bundleResolver } from './resolver.ts';

const task = 'kind: Task\n';
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
let registry: MemoryRegistry;
let registries: Registries;
let asked: object[];
beforeAll(async () => {
  registry = await startMemoryRegistry('robot:secret');
  registries = new Registries();
});
afterAll(async () => {
  await registries.close();
  await registry.close();
});
beforeEach(() => {
  asked = [];
  registry.requests.length = 0;
});

const annotations = (kind: string, name: string) => ({
  'dev.tekton.image.apiVersion': 'v1',
  'dev.tekton.image.kind': kind,
  'dev.tekton.image.name': name,
});

function stored(bytes: Buffer, more: Partial<Descriptor> = {}): Descriptor {
  registry.blobs.set(digestOf(bytes), bytes);
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(bytes), size: bytes.length, ...more };
}

/** @returns the digest */
function storeManifest(tag: string, manifest: unknown): string {
  const bytes = Buffer.from(typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  const type = 'application/vnd.oci.image.manifest.v1+json';
  registry.manifests.set(tag, { bytes, type }).set(digestOf(bytes), { bytes, type });
  return digestOf(bytes);
}

const layers = (...list: Descriptor[]) => ({ schemaVersion: 2, config: stored(Buffer.from('{}')), layers: list });

async function resolve(reference: string, params: Readonly<Record<string, string>> = {}, password = 'secret') {
  const credentials: CredentialSource = {
    of: (account) => {
      asked.push(account);
      return {
        find: () => Promise.resolve({ credentials: { username: 'robot', password }, origin: 'secret team/robot' }),
        explain: () => Promise.resolve(''),
        forget: () => false,
      };
    },
  };
  const resolver = bundleResolver({ registries, credentials });
  const named = Object.entries({ bundle: `${registry.host}/team/catalog${reference}`, name: 'build', ...params });
  const request = { namespace: 'team', params: named.map(([name, value]) => ({ name, value })) };
  const signal = AbortSignal.timeout(20_000);
  const prepared = resolver.prepare(request, shippedConfig.bundles);
  const unlocked = await prepared.unlock(signal);
  return { immutable: prepared.immutable, credentials: unlocked.credentials, found: await unlocked.fetch(signal) };
}

describe('a definition in a bundle', () => {
  it('is the layer of its kind and name, fetched with the credentials of the run', async () => {
    const other = stored(Buffer.from('kind: Pipeline\n'), { annotations: annotations('pipeline', 'build') });
    const layer = stored(Buffer.from(task), { annotations: annotations('task', 'build') });
    const digest = storeManifest('1.0', layers(other, layer));
    const { found, immutable, credentials } = await resolve(':1.0', { serviceAccount: 'builder', secret: 'robot' });
    expect(found).toEqual({
      data: Buffer.from(task),
      annotations: {
        'resolution.tekton.dev/dev.tekton.image.apiVersion': 'v1',
        'resolution.tekton.dev/dev.tekton.image.kind': 'task',
        'resolution.tekton.dev/dev.tekton.image.name': 'build',
      },
      refSource: {
        uri: `${registry.host}/team/catalog`,
        digest: { sha256: digest.slice('sha256:'.length) },
        entryPoint: 'build',
      },
    });
    expect({ immutable, credentials: credentials.length }).toEqual({ immutable: false, credentials: 1 });
    expect(asked).toEqual([{ namespace: 'team', serviceAccountName: 'builder', imagePullSecrets: ['robot'] }]);
    const authorization = `Basic ${Buffer.from('robot:secret').toString('base64')}`;
    const lines = registry.requests
      .filter(({ headers }) => headers.authorization === authorization)
      .map(({ method, path, headers }) =>
        `${method} ${path} ${path.includes('manifests') ? headers.accept : ''}`.trim(),
      );
    expect(lines.filter((line) => line.includes('catalog'))).toEqual([
      'GET /v2/team/catalog/manifests/1.0 application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
      `GET /v2/team/catalog/blobs/${layer.digest}`,
    ]);
  });

  it('means the same for ever when its digest is named', async () => {
    const digest = storeManifest('2', layers(stored(Buffer.from(task), { annotations: annotations('task', 'build') })));
    expect(await resolve(`@${digest}`)).toMatchObject({ immutable: true, found: { data: Buffer.from(task) } });
  });

  it('may be compressed', async () => {
    const packed = stored(gzipSync(task), { annotations: annotations('task', 'build') });
    storeManifest('gzip', layers(packed));
    expect((await resolve(':gzip')).found.data.toString()).toBe(task);
  });
});

describe('what cannot be had', () => {
  const one = (more: Partial<Descriptor>, bytes = Buffer.from(task)) => layers(stored(bytes, more));
  it.each<[name: string, manifest: () => unknown, message: RegExp]>([
    [
      'another name',
      () => one({ annotations: annotations('task', 'test') }),
      /could not find object in image with kind: task and name: build; bundle .* has task test/,
    ],
    [
      'an ordinary image',
      () => one({}),
      /invalid tekton bundle .*: the layer 0 does not contain a dev.tekton.image.apiVersion annotation/,
    ],
    [
      'a kind in capitals',
      () => one({ annotations: annotations('Task', 'build') }),
      /must be lowercased and singular, found Task/,
    ],
    [
      '21 objects',
      () =>
        layers(
          ...Array.from({ length: 21 }, (_, index) =>
            stored(Buffer.from(task), { annotations: annotations('task', `t${index}`) }),
          ),
        ),
      /contained more than the maximum 20 allow objects/,
    ],
    ['no manifest', () => 'nonsense', /could not parse image manifest: .* is not an image with layers/],
    ['a manifest of another thing', () => ({ schemaVersion: 2, layers: 'many' }), /is not an image with layers/],
    [
      'a bomb',
      () => one({ annotations: annotations('task', 'build') }, gzipSync(Buffer.alloc(20 * 1024 * 1024))),
      /unpacks to more than 1048576 bytes/,
    ],
    [
      'a layer that is not there',
      () =>
        layers({
          mediaType: 'x',
          digest: `sha256:${'a'.repeat(64)}`,
          size: 1,
          annotations: annotations('task', 'build'),
        }),
      /cannot retrieve the oci image/,
    ],
    [
      'a layer with other content',
      () => {
        const digest = `sha256:${'b'.repeat(64)}`;
        registry.blobs.set(digest, Buffer.from('changed'));
        return layers({ mediaType: 'x', digest, size: 7, annotations: annotations('task', 'build') });
      },
      /cannot retrieve the oci image: .*digest/,
    ],
  ])('%s', async (_name, manifest, message) => {
    storeManifest('bad', manifest());
    await expect(resolve(':bad')).rejects.toThrow(message);
  });

  it('a bundle that is not there, or not for these credentials', async () => {
    await expect(resolve(':none')).rejects.toThrow(/cannot retrieve the oci image: .*team\/catalog:none: /);
    await expect(resolve(':1.0', {}, 'wrong')).rejects.toThrow(/the credentials are from secret team\/robot/);
  });
});
