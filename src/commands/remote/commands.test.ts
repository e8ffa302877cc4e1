import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type FakeServer } from '../../http/http-server.fake.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../resolvers/git/git-backend.fake.ts';
import { FakeEnvironment } from '../environment.fake.ts';

const task = 'apiVersion: tekton.dev/v1\nkind: Task\n';
const sha256 = createHash('sha256').update(task).digest('hex');
const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', layers: [] };
const imageDigest = `sha256:${createHash('sha256').update(JSON.stringify(manifest)).digest('hex')}`;
const layer = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest: `sha256:${sha256}`,
  size: task.length,
  annotations: {
    'dev.tekton.image.apiVersion': 'v1',
    'dev.tekton.image.kind': 'task',
    'dev.tekton.image.name': 'greet',
  },
};
const bundle = { ...manifest, layers: [layer] };
const bundleDigest = `sha256:${createHash('sha256').update(JSON.stringify(bundle)).digest('hex')}`;

let server: FakeServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pin-'));
  server = await startServer(({ path: asked }) => {
    if (asked === '/task.yaml') return { body: task };
    if (asked === '/v2/') return { body: {} };
    if (asked.startsWith('/api/v1/packages/tekton-task/tekton-catalog-tasks/greet'))
      return { body: { available_versions: [{ version: '0.1.0' }], data: { manifestRaw: task } } };
    if (asked === `/v2/team/catalog/blobs/${layer.digest}`) return { body: task };
    if (asked.startsWith('/v2/team/catalog/manifests/'))
      return { headers: { 'content-type': manifest.mediaType }, body: JSON.stringify(bundle) };
    if (asked !== '/v2/tools/git/manifests/v1') return { status: 404, body: {} };
    const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': imageDigest };
    return { headers, body: JSON.stringify(manifest) };
  });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const pipeline = (registry: string) => `# What we build.
apiVersion: tekton.dev/v1
kind: Pipeline
spec:
  tasks:
    - name: fetch   # by address
      taskRef:
        resolver: http
        params:
          - name: url
            value: "${server.url}/task.yaml" # ours

    - name: inline
      taskSpec:
        steps:
          - image: '${registry}/tools/git:v1'
          - image: $(params.image)
---
kind: Task
spec:
  steps: [ { image: ${registry}/tools/git:v1@sha256:${'a'.repeat(64)} } ]
`;

async function run(line: string, content: string) {
  const file = path.join(folder, 'a.yaml');
  await writeFile(file, content);
  const environment = new FakeEnvironment();
  const status = await environment.run(line.replace('FILE', file));
  const said = (text: string) => text.replaceAll(file, 'a.yaml');
  return { status, out: said(environment.out), err: said(environment.err), content: await readFile(file, 'utf8') };
}

describe('pin', () => {
  it('writes digests into the file and touches nothing else', async () => {
    const registry = server.url.slice('http://'.length);
    const before = pipeline(registry);
    const result = await run('pin FILE', before);
    const after = before
      .replace('# ours\n', `# ours\n          - name: digest\n            value: sha256:${sha256}\n`)
      .replace(`'${registry}/tools/git:v1'`, `${registry}/tools/git:v1@${imageDigest}`);
    expect(result.content).toBe(after);
    expect(result.out).toBe(
      `a.yaml:8: pinned to digest sha256:${sha256}\na.yaml:16: pinned to ${registry}/tools/git:v1@${imageDigest}\n`,
    );
    expect(result.err).toBe('a.yaml:17: image $(params.image): not pinned: it holds a variable\n');
    expect((await run('pin FILE', after)).content).toBe(after);
  });

  it('with --check writes nothing and fails while something is not pinned', async () => {
    const before = pipeline('registry.invalid').replace(/.*image: '.*\n.*image: \$.*\n/, '          - script: x\n');
    const result = await run('pin --check FILE', before);
    expect(result).toEqual({
      status: 1,
      out: `a.yaml:8: not pinned, means digest sha256:${sha256}\n`,
      err: '',
      content: before,
    });
    expect((await run('pin --check FILE', (await run('pin FILE', before)).content)).status).toBe(0);
  });
});

describe('pin, by resolver', () => {
  let git: GitBackend;
  let commit: string;
  beforeAll(async () => {
    git = await startGitBackend();
    commit = commitFiles(git, { 'task.yaml': task });
  });
  afterAll(() => git.close());

  const reference = (resolver: string, values: Readonly<Record<string, string>>) => {
    const params = Object.entries(values).map(
      ([name, value]) => `        - name: ${name}\n          value: ${value}\n`,
    );
    return `kind: Pipeline\nspec:\n  tasks:\n    - taskRef:\n        resolver: ${resolver}\n        params:\n${params.join('')}`;
  };
  const registry = () => server.url.slice('http://'.length);

  it.each<[what: string, before: () => string, after: () => string]>([
    [
      'the commit that a branch is',
      () => reference('git', { url: git.url, revision: 'main', pathInRepo: 'task.yaml' }),
      () => reference('git', { url: git.url, revision: commit, pathInRepo: 'task.yaml' }),
    ],
    [
      'the commit where none was named',
      () => reference('git', { url: git.url, pathInRepo: 'task.yaml' }),
      () => reference('git', { url: git.url, pathInRepo: 'task.yaml', revision: commit }),
    ],
    [
      'the digest of a bundle',
      () => reference('bundles', { bundle: `${registry()}/team/catalog:1.0`, name: 'greet' }),
      () => reference('bundles', { bundle: `${registry()}/team/catalog:1.0@${bundleDigest}`, name: 'greet' }),
    ],
  ])('%s', async (_what, before, after) => {
    const result = await run('pin FILE', before());
    expect(result.err).toBe('');
    expect(result.content).toBe(after());
    expect((await run('pin --check FILE', after())).status).toBe(0);
  });

  it('leaves what has no digests, with what it gives today', async () => {
    const before = reference('hub', { name: 'greet', version: '"0.1"', url: server.url });
    const result = await run('pin FILE', before);
    expect(result.content).toBe(before);
    expect(result.err).toBe(
      `a.yaml:5: hub ${server.url}: not pinned: resolver hub knows no digests; what it gives today is sha256:${sha256}\n`,
    );
  });
});

describe('resolve', () => {
  it('shows where a reference leads, with its digest', async () => {
    const result = await run('resolve --content FILE', pipeline('registry.invalid'));
    expect(result).toMatchObject({
      status: 0,
      out: `a.yaml:8: http ${server.url}/task.yaml\n  from    ${server.url}/task.yaml\n  digest  sha256:${sha256}\n  | apiVersion: tekton.dev/v1\n  | kind: Task\n`,
    });
  });

  it('says of a reference that cannot be resolved who answered what', async () => {
    const result = await run('resolve FILE', pipeline('registry.invalid').replace('task.yaml', 'none.yaml'));
    expect(result.status).toBe(1);
    expect(result.err).toMatch(/^a.yaml:8: http .*none.yaml: requested URL .* answered 404; correct the address/);
  });

  it('says what is wrong with a file', async () => {
    expect((await run('resolve FILE', 'a: [')).err).toMatch(/^Error: a.yaml: /);
  });
});
