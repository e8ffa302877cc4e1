import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../kube/api-error.ts';
import type { KubeClient } from '../kube/client.ts';
import { Registries } from '../registry/client.ts';
import { digestOf } from '../registry/digest.ts';
import { FakeRegistry, type Heard } from '../registry/registry.fake.ts';
import { createImageReading } from './image-reading.ts';

const signal = AbortSignal.timeout(15_000);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const asker = { namespace: 'ns', serviceAccountName: 'sa', imagePullSecrets: [] as string[] };

let registry: FakeRegistry;
let registries: Registries;
beforeEach(async () => {
  registry = await FakeRegistry.start();
  registries = new Registries({ mirrors: { 'reg.example': `http://${registry.server.host}` } });
});
afterEach(async () => {
  await registries.close();
  await registry.server.stop();
});

const clientOf = (objects: Record<string, unknown> = {}): Pick<KubeClient, 'get'> =>
  ({
    get: (resource: { plural: string }, namespace: string, name: string) => {
      const found = objects[`${resource.plural} ${namespace}/${name}`];
      return found
        ? Promise.resolve(found)
        : Promise.reject(new ApiError(404, { reason: 'NotFound', message: 'not found' }));
    },
  }) as Pick<KubeClient, 'get'>;
const reading = (objects?: Record<string, unknown>) => createImageReading({ client: clientOf(objects), registries });

interface Platform {
  os?: string;
  architecture?: string;
  variant?: string;
}

/** Stores an image of one platform. Returns its entry in an index. */
function image(config: object, platform: Platform = {}, tag = '') {
  const blob = JSON.stringify({ ...platform, config });
  registry.blobs.set(digestOf(Buffer.from(blob)), blob);
  const manifest = JSON.stringify({ schemaVersion: 2, config: { digest: digestOf(Buffer.from(blob)) } });
  const digest = registry.put('team/app', tag || digestOf(Buffer.from(manifest)), manifest, manifestType);
  return { digest, platform };
}

/** Stores an index under the tag `latest`. Returns its digest. */
const index = (manifests: unknown) =>
  registry.put('team/app', 'latest', JSON.stringify({ schemaVersion: 2, manifests }), indexType);
const linux = (architecture: string, variant?: string) => ({
  os: 'linux',
  architecture,
  ...(variant ? { variant } : {}),
});
const readsOf = (kind: string) => registry.server.lines.filter((line) => line.includes(`/${kind}/`)).length;

describe('what an image runs', () => {
  it.each<[string, object, object]>([
    [
      'its entrypoint',
      { Entrypoint: ['/app'] },
      { commands: { 'linux/amd64': ['/app'] }, defaultArgs: { 'linux/amd64': [] } },
    ],
    [
      'its entrypoint with the arguments it has by default',
      { Entrypoint: ['/app'], Cmd: ['--help'] },
      { commands: { 'linux/amd64': ['/app'] }, defaultArgs: { 'linux/amd64': ['--help'] } },
    ],
    [
      'its command, without an entrypoint',
      { Entrypoint: null, Cmd: ['sh'] },
      { commands: { 'linux/amd64': ['sh'] }, defaultArgs: {} },
    ],
    ['nothing', {}, { commands: { 'linux/amd64': [] }, defaultArgs: {} }],
  ])('is %s', async (_, config, expected) => {
    const { digest } = image(config, {}, 'latest');
    expect(await reading()('reg.example/team/app', asker, signal)).toEqual({ digest, ...expected });
  });

  it('is told for each platform that nodes run', async () => {
    const digest = index([
      image({ Cmd: ['amd'] }, linux('amd64')),
      image({ Cmd: ['arm'] }, linux('arm', 'v7')),
      image({ Cmd: ['exe'] }, { os: 'windows', architecture: 'amd64' }),
      image({ Cmd: ['exe of another Windows'] }, { os: 'windows', architecture: 'amd64' }),
      image({ Cmd: ['mac'] }, { os: 'darwin', architecture: 'arm64' }),
      image({ Cmd: ['attestation'] }, { os: 'unknown', architecture: 'unknown' }),
      { digest: 'sha256:of-no-platform' },
    ]);
    expect(await reading()('reg.example/team/app', asker, signal)).toEqual({
      digest,
      commands: { 'linux/amd64': ['amd'], 'linux/arm/v7': ['arm'], 'windows/amd64': ['exe'] },
      defaultArgs: {},
    });
    expect([readsOf('manifests'), readsOf('blobs')]).toEqual([4, 3]);
  });

  it('is remembered by digest for all, who each prove first that they may read it', async () => {
    index([image({ Cmd: ['amd'] }, linux('amd64'))]);
    const read = reading();
    await read('reg.example/team/app', asker, signal);
    const other = await read('reg.example/team/app', { ...asker, namespace: 'other' }, signal);
    expect(other.commands).toEqual({ 'linux/amd64': ['amd'] });
    expect([readsOf('manifests'), readsOf('blobs')]).toEqual([3, 1]);
    registry.manifests.clear();
    await expect(read('reg.example/team/app', asker, signal)).rejects.toThrow('answered 404: UNKNOWN');
  });

  it('is asked anew for a tag that moved', async () => {
    image({ Cmd: ['old'] }, {}, 'latest');
    const read = reading();
    await read('reg.example/team/app', asker, signal);
    image({ Cmd: ['new'] }, {}, 'latest');
    expect((await read('reg.example/team/app', asker, signal)).commands).toEqual({ 'linux/amd64': ['new'] });
  });
});

describe('credentials', () => {
  const pull = (user: string) => ({
    metadata: {},
    data: {
      '.dockerconfigjson': base64(JSON.stringify({ auths: { 'reg.example': { username: user, password: 'p' } } })),
    },
  });

  it.each<[string, string[], Record<string, unknown>, string | undefined]>([
    [
      "the ServiceAccount's",
      [],
      { 'serviceaccounts ns/sa': { imagePullSecrets: [{ name: 'gone' }, { name: 'a' }] } },
      'a',
    ],
    [
      "the pod's, before the ServiceAccount's",
      ['b'],
      { 'serviceaccounts ns/sa': { imagePullSecrets: [{ name: 'a' }] } },
      'b',
    ],
    ['none', [], {}, undefined],
  ])('are %s', async (_, imagePullSecrets, objects, user) => {
    image({ Cmd: ['x'] }, {}, 'latest');
    const { answer } = registry.server;
    let seen: string | undefined;
    registry.server.answer = (heard: Heard) => {
      seen = heard.headers.authorization;
      return user === undefined || seen
        ? answer(heard)
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    };
    const read = reading({ ...objects, 'secrets ns/a': pull('a'), 'secrets ns/b': pull('b') });
    await read('reg.example/team/app', { ...asker, imagePullSecrets }, signal);
    expect(seen).toBe(user === undefined ? undefined : `Basic ${base64(`${user}:p`)}`);
  });

  it('that cannot be read are named, and not quoted', async () => {
    const broken = { metadata: { name: 'a' }, data: { '.dockerconfigjson': base64('hunter2') } };
    const read = reading({ 'secrets ns/a': broken });
    await expect(read('reg.example/team/app', { ...asker, imagePullSecrets: ['a'] }, signal)).rejects.toThrow(
      /^pull secret ns\/a: \.dockerconfigjson is not JSON$/,
    );
  });
});

describe('an image that cannot be run', () => {
  it.each<[string, () => void, RegExp]>([
    [
      'too many platforms',
      () =>
        void index(
          Array.from({ length: 33 }, (_, n) => ({ digest: `sha256:${'0'.repeat(64)}`, platform: linux(`a${n}`) })),
        ),
      /an index of 33 platforms, and at most 32 are looked at/,
    ],
    ['too many entries', () => void index(Array.from({ length: 1_025 }, () => ({}))), /the image's index is not one/],
    ['an index that is no list', () => void index({ length: 1 }), /the image's index is not one/],
    [
      'no config',
      () => void registry.put('team/app', 'latest', '{"schemaVersion":2}', manifestType),
      /manifest is not one/,
    ],
    [
      'a manifest that is null',
      () => void registry.put('team/app', 'latest', 'null', manifestType),
      /manifest is not one/,
    ],
    ['a command that is no list', () => void image({ Cmd: 'sh -c x' }, {}, 'latest'), /the image's config is not one/],
    ['words that are no text', () => void image({ Cmd: [1] }, {}, 'latest'), /the image's config is not one/],
    [
      'an architecture of an essay',
      () => void image({}, linux('x'.repeat(65)), 'latest'),
      /the image's config is not one/,
    ],
    [
      'commands too large for a pod',
      () => void image({ Cmd: ['x'.repeat(70_000)] }, {}, 'latest'),
      /larger than 65536 bytes/,
    ],
  ])('has %s', async (_, prepare, message) => {
    prepare();
    await expect(reading()('reg.example/team/app', asker, signal)).rejects.toMatchObject({
      isFinal: true,
      message: expect.stringMatching(message) as string,
    });
  });
});
