import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageManifest } from '../../registry/media-types.ts';
import { startMemoryRegistry, type MemoryRegistry } from '../../registry/memory-registry.fake.ts';
import { FakeEnvironment } from '../environment.fake.ts';

const task = 'apiVersion: tekton.dev/v1\nkind: Task\nmetadata: { name: build }\nspec: { steps: [{ image: "a<b" }] }\n';
const pipeline = 'apiVersion: tekton.dev/v1beta1\nkind: Pipeline\nmetadata: { name: all }\nspec: { tasks: [] }\n';
const files: Readonly<Record<string, string>> = {
  'both.yaml': `${task}---\n${pipeline}---\n# nothing\n`,
  'task.json': '[{"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "b"}}]',
  'pod.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n',
  'nameless.yaml': task.replace('{ name: build }', '{}'),
  'broken.yaml': 'a: [',
  'twice.yaml': `${task}---\n${task}`,
  'many.yaml': Array.from({ length: 21 }, (_, index) => task.replace('build', `t${index}`)).join('---\n'),
};
let folder: string;
let registry: MemoryRegistry;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bundle-'));
  registry = await startMemoryRegistry('me:secret');
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
});
afterAll(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

const at = (name: string) => path.join(folder, name);
const login = '--remote-username me --remote-password secret';

async function run(line: string, answers: string[] = []) {
  const environment = new FakeEnvironment({ answers });
  const status = await environment.run(line.trim().replaceAll(/ +/g, ' '));
  const hidden = (text: string) => text.replaceAll(registry.host, 'REGISTRY').replaceAll(folder, '.');
  return { status, out: hidden(environment.out), err: hidden(environment.err) };
}

const push = (words: string, answers?: string[]) =>
  run(`bundle push ${registry.host}/team/catalog:1 ${words}`, answers);

describe('bundle push', () => {
  it('makes an image with a layer for each definition', async () => {
    const pushed = await push(`-f ${at('both.yaml')} ${login} --annotate a=b=c --label l=m --ctime 2026-01-02`);
    const manifest = JSON.parse(registry.manifests.get('1')?.bytes.toString() ?? '') as ImageManifest;
    const digest = [...registry.manifests.keys()].find((key) => key.startsWith('sha256:'));
    expect(pushed).toEqual({
      status: 0,
      out: `Creating Tekton Bundle:
\t- Added Task: build to image
\t- Added Pipeline: all to image

Pushed Tekton Bundle to REGISTRY/team/catalog@${digest}
`,
      err: '',
    });
    expect(manifest.annotations).toEqual({ a: 'b=c' });
    const config = JSON.parse(registry.blobs.get(manifest.config.digest)?.toString() ?? '') as object;
    expect(config).toMatchObject({ created: '2026-01-02T00:00:00Z', config: { Labels: { l: 'm' } } });
    expect(new Set(manifest.layers.map(({ annotations }) => annotations))).toEqual(
      new Set([layer('v1', 'task', 'build'), layer('v1beta1', 'pipeline', 'all')]),
    );
  });

  it('holds archives that tar reads, with JSON as Go writes it', async () => {
    await push(`-f ${at('both.yaml')} ${login}`);
    const manifest = JSON.parse(registry.manifests.get('1')?.bytes.toString() ?? '') as ImageManifest;
    const found = manifest.layers.find(({ annotations }) => annotations?.['dev.tekton.image.name'] === 'build');
    const input = gunzipSync(registry.blobs.get(found?.digest ?? '') ?? '');
    expect(execFileSync('tar', ['tf', '-'], { input, encoding: 'utf8' })).toBe('build\n');
    expect(execFileSync('tar', ['xOf', '-'], { input, encoding: 'utf8' })).toBe(
      '{"apiVersion":"tekton.dev/v1","kind":"Task","metadata":{"name":"build"},"spec":{"steps":[{"image":"a\\u003cb"}]}}',
    );
  });

  it('makes the same image of the same definitions, in whatever order', async () => {
    const ofInput = (...texts: string[]) => push(`-f - ${login} --ctime 2026-01-02`, texts.join('---\n').split('\n'));
    const [first, second] = [await ofInput(task, pipeline), await ofInput(pipeline, task)];
    expect(first.out.split('@')[1]).toMatch(/^sha256:/);
    expect(second.out.split('@')[1]).toBe(first.out.split('@')[1]);
  });

  it.each<[words: string, message: RegExp]>([
    ['-f pod.yaml', /no kind "Pod" is registered for version "v1"; a bundle holds Task, Pipeline, StepAction/],
    ['-f nameless.yaml', /nameless.yaml: kubernetes resources should have a name/],
    ['-f broken.yaml', /failed to read .*broken.yaml: /],
    ['-f none.yaml', /failed to find and read file .*none.yaml/],
    ['-f many.yaml', /bundle contains more than the maximum 20 allow objects: it has 21/],
    ['-f twice.yaml', /Task build is there twice/],
    ['', /there is nothing to push: name files/],
    ['-f task.json --ctime yesterday', /unable to parse creation time "yesterday"/],
    ['-f task.json --annotate x', /--annotate "x" is not in the form of key=value/],
    ['-f task.json --remote-username me', /must be given together/],
    ['-f task.json', /REGISTRY/],
  ])('%s says what is wrong', async (words, message) => {
    const { status, err } = await push(words.replace(/-f (\S+)/, (_, name: string) => `-f ${at(name)}`));
    expect(status).toBe(1);
    expect(err).toMatch(message);
  });

  it('wants a tag, not a digest', async () => {
    const { err } = await run(`bundle push ${registry.host}/a@sha256:${'a'.repeat(64)} -f ${at('task.json')}`);
    expect(err).toMatch(/is a digest, which what is pushed decides: write a tag/);
  });
});

function layer(apiVersion: string, kind: string, name: string): Record<string, string> {
  const prefix = 'dev.tekton.image.';
  return { [`${prefix}apiVersion`]: apiVersion, [`${prefix}kind`]: kind, [`${prefix}name`]: name };
}

describe('bundle list', () => {
  beforeAll(async () => {
    await push(`-f ${at('both.yaml')} -f ${at('task.json')} ${login}`);
  });
  const list = (words: string) => run(`bundle list ${registry.host}/team/catalog:1 ${words} ${login}`);
  const lines = (text: string) => text.trim().split('\n').sort();

  it('names everything', async () => {
    const { out } = await list('');
    expect(lines(out)).toEqual(['pipeline.tekton.dev/all', 'task.tekton.dev/b', 'task.tekton.dev/build']);
  });

  it.each(['task', 'Task', 'tasks'])('names those of a kind: %s', async (kind) => {
    expect(lines((await list(kind)).out)).toEqual(['task.tekton.dev/b', 'task.tekton.dev/build']);
  });

  it('prints what there is', async () => {
    expect((await list('pipeline all -o yaml')).out).toBe(
      'apiVersion: tekton.dev/v1beta1\nkind: Pipeline\nmetadata:\n  name: all\nspec:\n  tasks: []\n',
    );
    expect((await list('task build -o jsonpath={.spec.steps[0].image}')).out).toBe('a<b');
    expect((await list('task -o yaml')).out).toContain('\n---\n');
  });

  it.each<[words: string, message: RegExp]>([
    ['pod', /^Error: second argument pod is not a valid kind: \["task","pipeline","stepaction"\]/],
    ['stepaction', /^Error: no objects of kind stepaction found in img/],
    ['task none', /^Error: no objects of kind task named none found in img/],
    ['-o csv', /unable to match a printer suitable for the output format "csv"/],
  ])('%s says what is wrong', async (words, message) => {
    const { status, err } = await list(words);
    expect(status).toBe(1);
    expect(err).toMatch(message);
  });
});
