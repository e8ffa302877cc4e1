import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../kube/api-error.ts';
import type { KubeClient } from '../kube/client.ts';
import { Registries } from '../registry/client.ts';
import { digestOf } from '../registry/digest.ts';
import { FakeRegistry, ScriptedServer, type Heard } from '../registry/registry.fake.ts';
import { ecrHelper } from '../registry/cloud/ecr.ts';
import type { CloudHelper } from '../registry/cloud/helper.ts';
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

describe("the identity of this process in its cloud's registries", () => {
  const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
  const token = base64('AWS:from-the-cloud');
  const ofPull = (auths: object) => ({
    'secrets ns/a': { metadata: {}, data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) } },
  });
  const own = { [ecr]: { username: 'own', password: 'p' } };
  let asked: string[];
  const helper = (issue: CloudHelper['issue']): CloudHelper => ({
    name: 'ECR',
    serves: (host) => host === ecr,
    issue: (host, given) => (asked.push(host), issue(host, given)),
  });
  const issues = helper(() => Promise.resolve({ credentials: { username: 'AWS', password: 'from-the-cloud' } }));
  const refuses = helper(() => Promise.reject(new Error('no role')));

  beforeEach(() => {
    asked = [];
    image({ Cmd: ['x'] }, {}, 'latest');
  });

  /** The registry, which lets `user` read, or all. @returns the authorizations that it was sent */
  function letRead(user: string | undefined): (string | undefined)[] {
    const { answer } = registry.server;
    const seen: (string | undefined)[] = [];
    registry.server.answer = (heard) => {
      const { authorization } = heard.headers;
      if (heard.path.includes('/manifests/')) seen.push(authorization);
      if (user === undefined || authorization === `Basic ${base64(user)}`) return answer(heard);
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    };
    return seen;
  }

  it.each<[string, string | undefined, CloudHelper, object, string[]]>([
    ['opens what nobody else may read', 'AWS:from-the-cloud', issues, {}, [ecr]],
    ['is not asked for what everybody may', undefined, refuses, {}, []],
    ['is not asked where a pull secret is', 'own:p', refuses, own, []],
  ])('%s', async (_, user, cloud, auths, calls) => {
    letRead(user);
    const mirrored = new Registries({ mirrors: { '*': `http://${registry.server.host}` } });
    const read = createImageReading({ client: clientOf(ofPull(auths)), registries: mirrored, helpers: [cloud] });
    try {
      const found = await read(`${ecr}/team/app`, { ...asker, imagePullSecrets: ['a'] }, signal);
      expect(found.commands).toEqual({ 'linux/amd64': ['x'] });
      expect(asked).toEqual(calls);
    } finally {
      await mirrored.close();
    }
  });

  it.each<[string, string, object, RegExp, number]>([
    [
      'whose word is refused',
      ecr,
      {},
      /401.*there is no pull secret for .*, and the controller has no identity there \(ECR: no role\)$/,
      1,
    ],
    ['where a pull secret is refused', ecr, { [ecr]: { username: 'bad', password: 'p' } }, /401/, 0],
    ["in another's registry", 'reg.example', {}, /401/, 0],
  ])('%s: the run is told', async (_, host, auths, message, calls) => {
    letRead('nobody:x');
    const mirrored = new Registries({ mirrors: { '*': `http://${registry.server.host}` } });
    const read = createImageReading({ client: clientOf(ofPull(auths)), registries: mirrored, helpers: [refuses] });
    try {
      await expect(read(`${host}/team/app`, { ...asker, imagePullSecrets: ['a'] }, signal)).rejects.toMatchObject({
        isFinal: true,
        message: expect.stringMatching(message) as string,
      });
      expect(asked).toHaveLength(calls);
    } finally {
      await mirrored.close();
    }
  });

  it("is Amazon's own: GetAuthorizationToken, then its answer to the registry", async () => {
    const seen = letRead('AWS:from-the-cloud');
    const amazon = await ScriptedServer.start();
    const mirrored = new Registries({ mirrors: { [ecr]: `http://${registry.server.host}` } });
    amazon.answer = () => ({
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: { authorizationData: [{ authorizationToken: token, expiresAt: 4_000_000_000 }] },
    });
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', `http://${amazon.host}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SECRET');
    try {
      const read = createImageReading({ client: clientOf(), registries: mirrored, helpers: [ecrHelper()] });
      expect((await read(`${ecr}/team/app`, asker, signal)).commands).toEqual({ 'linux/amd64': ['x'] });
      expect(amazon.heard).toHaveLength(1);
      expect(seen.at(-1)).toBe(`Basic ${token}`);
    } finally {
      vi.unstubAllEnvs();
      await Promise.all([mirrored.close(), amazon.stop()]);
    }
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
