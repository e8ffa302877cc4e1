import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../../http/client.ts';
import { startServer, type FakeAnswer, type FakeServer } from '../../http/http-server.fake.ts';
import { RemoteFetch } from '../remote.ts';
import { hubResolver } from './resolver.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

const task = 'apiVersion: tekton.dev/v1beta1\nkind: Task\nmetadata: { name: git-clone }\n';

async function hub(answers: Readonly<Record<string, FakeAnswer>>): Promise<FakeServer> {
  const server = await startServer(({ path }) => answers[path] ?? { status: 404, body: {} });
  open.push(() => server.close());
  return server;
}

/** The two APIs' shapes, as far as the resolver reads them. */
const artifact = {
  '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone': {
    body: {
      version: '0.10.0',
      available_versions: [
        { version: '0.10.0', prerelease: false },
        { version: '0.9.0' },
        { version: '0.11.0', prerelease: true },
        { version: 'nonsense' },
      ],
    },
  },
  '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone/0.9.0': { body: { data: { manifestRaw: task } } },
  '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone/0.10.0': {
    body: { data: { manifestRaw: `${task}# 0.10` } },
  },
};
const tekton = {
  '/v1/resource/Tekton/task/git-clone': { body: { data: { versions: [{ version: '0.9' }, { version: '0.8' }] } } },
  '/v1/resource/Tekton/task/git-clone/0.9/yaml': { body: { data: { yaml: task } } },
};

const config = {
  'block-private-ips': 'false',
  'default-tekton-hub-catalog': 'Tekton',
  'default-artifact-hub-task-catalog': 'tekton-catalog-tasks',
  'default-artifact-hub-pipeline-catalog': 'tekton-catalog-pipelines',
  'default-kind': 'task',
  'default-type': 'artifact',
};

async function resolve(params: Readonly<Record<string, string>>, change: Readonly<Record<string, string>> = {}) {
  const client = new HttpClient();
  open.push(() => client.close());
  const named = Object.entries({ name: 'git-clone', ...params }).map(([name, value]) => ({ name, value }));
  const signal = AbortSignal.timeout(20_000);
  const resolver = hubResolver(new RemoteFetch(client), { artifactHub: '', tektonHub: '' });
  const prepared = resolver.prepare({ namespace: 'team', params: named }, { ...config, ...change });
  return (await prepared.unlock(signal)).fetch(signal);
}

describe('an entry of a hub', () => {
  it.each<[type: string, version: string, path: string, text: string]>([
    ['artifact', '0.9', '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone/0.9.0', task],
    ['artifact', '>= 0.9', '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone/0.10.0', `${task}# 0.10`],
    ['tekton', '0.9.0', '/v1/resource/Tekton/task/git-clone/0.9/yaml', task],
    ['tekton', '< 1', '/v1/resource/Tekton/task/git-clone/0.9/yaml', task],
  ])('of type %s in version %s', async (type, version, path, text) => {
    const { url } = await hub({ ...artifact, ...tekton });
    const found = await resolve({ type, version, url });
    expect(found.data.toString()).toBe(text);
    expect(found.refSource.uri).toBe(url + path);
    expect(found.refSource.digest?.['sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is of the first hub that has it', async () => {
    const [empty, full] = await Promise.all([hub({}), hub(artifact)]);
    const found = await resolve({ version: '0.9' }, { 'artifact-hub-urls': `- ${empty.url}/\n- ${full.url}/\n` });
    expect(found.refSource.uri).toContain(full.url);
    expect(empty.requests).toHaveLength(1);
  });

  it('is of the second hub when the first does not answer', async () => {
    const [silent, full] = await Promise.all([startServer(() => new Promise<never>(() => undefined)), hub(artifact)]);
    open.push(() => silent.close());
    const urls = { 'artifact-hub-urls': `[${silent.url}, ${full.url}]`, 'fetch-timeout': '300ms' };
    const found = await resolve({ version: '0.9' }, urls);
    expect(found.refSource.uri).toContain(full.url);
    expect(silent.requests).toHaveLength(1);
  });
});

describe('what cannot be had', () => {
  it('a version that no constraint allows, of which other hubs are not asked', async () => {
    const [first, second] = await Promise.all([hub(artifact), hub(artifact)]);
    const urls = { 'artifact-hub-urls': `[${first.url}, ${second.url}]` };
    await expect(resolve({ version: '>= 2' }, urls)).rejects.toThrow(
      /^no version found for constraint >= 2: .* has other versions of task git-clone/,
    );
    expect(second.requests).toEqual([]);
  });

  it.each<[what: string, answers: Readonly<Record<string, FakeAnswer>>, message: RegExp]>([
    [
      'an entry',
      {},
      /^fail to fetch Artifact Hub resource: requested resource 'http.*' not found on hub: .* answered 404; check name, version/,
    ],
    [
      'what is no hub',
      { '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone': { body: 'hello' } },
      /is no hub of this type/,
    ],
    [
      'an entry without a definition',
      { ...artifact, '/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone/0.9.0': { body: { data: {} } } },
      /answered without a definition/,
    ],
  ])('%s', async (_what, answers, message) => {
    const { url } = await hub(answers);
    await expect(resolve({ version: '0.9', url })).rejects.toThrow(message);
  });

  it("with all hubs' answers", async () => {
    const [first, second] = await Promise.all([hub({}), hub({})]);
    const urls = { 'artifact-hub-urls': `[${first.url}, ${second.url}]` };
    await expect(resolve({ version: '0.9' }, urls)).rejects.toThrow(
      new RegExp(`^failed to fetch resource from any configured hub URL: .*${first.url}.*; .*${second.url}`),
    );
  });

  it('with the hub that did not answer', async () => {
    const [silent, empty] = await Promise.all([startServer(() => new Promise<never>(() => undefined)), hub({})]);
    open.push(() => silent.close());
    const urls = { 'artifact-hub-urls': `[${silent.url}, ${empty.url}]`, 'fetch-timeout': '300ms' };
    await expect(resolve({ version: '0.9' }, urls)).rejects.toMatchObject({
      message: expect.stringMatching(`${silent.url} did not answer within 100ms; .*${empty.url}`) as string,
      retryable: true,
    });
  });

  it('a hub on an internal address, unless the operator allows it', async () => {
    const { url } = await hub(artifact);
    await expect(resolve({ version: '0.9', url }, { 'block-private-ips': 'true' })).rejects.toThrow(
      /ConfigMap hubresolver-config/,
    );
  });
});
