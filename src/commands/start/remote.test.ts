import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns, pipelines } from '../../api/resources.ts';
import { startServer, type FakeServer } from '../../http/http-server.fake.ts';
import { ociConfigType, ociManifestType } from '../../registry/media-types.ts';
import { startMemoryRegistry, type MemoryRegistry } from '../../registry/memory-registry.fake.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { minutesAgo, pipelineRun } from '../runs.fake.ts';

const step = { name: 's', image: 'busybox', script: 'true' };
const definition = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'tekton.dev/v1', kind, metadata: { name }, spec });
const ofTask = (name: string) => definition('Task', name, { params: [{ name: 'who' }], steps: [step] });
const ofPipeline = definition('Pipeline', 'served', { tasks: [{ name: 'only', taskSpec: { steps: [step] } }] });

let web: FakeServer;
let registry: MemoryRegistry;
let closed: MemoryRegistry;
const login = '--remote-username me --remote-password secret';
beforeAll(async () => {
  const pages: Readonly<Record<string, string>> = {
    '/task.yaml': ofTask('served'),
    '/pipeline.yaml': ofPipeline,
  };
  web = await startServer(({ path }) => (pages[path] === undefined ? { status: 404 } : { body: pages[path] }));
  registry = await startMemoryRegistry();
  closed = await startMemoryRegistry('me:secret');
  for (const each of [registry, closed]) fill(each);
});
afterAll(async () => {
  await Promise.all([web.close(), registry.close(), closed.close()]);
});

/** With a bundle of one Task. */
function fill(into: MemoryRegistry): void {
  const blob = (bytes: Buffer) => {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    into.blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  };
  const layer = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    ...blob(Buffer.from(ofTask('greet'))),
    annotations: {
      'dev.tekton.image.apiVersion': 'v1',
      'dev.tekton.image.kind': 'task',
      'dev.tekton.image.name': 'greet',
    },
  };
  const config = { mediaType: ociConfigType, ...blob(Buffer.from('{}')) };
  const manifest = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [layer] };
  into.manifests.set('1.0', { bytes: Buffer.from(JSON.stringify(manifest)), type: ociManifestType });
}

const addresses = (line: string) =>
  line.replaceAll('WEB', web.url).replaceAll('REGISTRY', registry.host).replaceAll('CLOSED', closed.host);

/** A cluster where a Pipeline was run from git, later from a hub. */
function environment(): FakeEnvironment {
  const made = new FakeEnvironment();
  made.cluster.put(pipelines, { metadata: { name: 'build' }, spec: { tasks: [] } });
  const labels = { 'tekton.dev/pipeline': 'build' };
  for (const [index, resolver] of ['git', 'hub'].entries()) {
    const spec = { pipelineRef: { resolver, params: [{ name: 'name', value: 'build' }] } };
    const metadata = { name: `by-${resolver}`, creationTimestamp: minutesAgo(9 - index), labels };
    made.cluster.put(pipelineRuns, pipelineRun(metadata.name, { spec, metadata }));
  }
  return made;
}

async function dryRun(line: string): Promise<unknown> {
  const made = environment();
  expect(await made.run(`${addresses(line)} --dry-run -o json`), made.err).toBe(0);
  return JSON.parse(made.out);
}

describe('start', () => {
  it.each<[line: string, name: string, spec: object]>([
    ['task start -f WEB/task.yaml -p who=you', 'served-run-', { taskSpec: { steps: [step] } }],
    ['pipeline start -f WEB/pipeline.yaml', 'served-run-', { pipelineSpec: { tasks: [{ name: 'only' }] } }],
    [
      'task start greet -i REGISTRY/team/catalog:1.0 -p who=you',
      'greet-run-',
      { params: [{ name: 'who', value: 'you' }] },
    ],
    [`task start greet -i CLOSED/team/catalog:1.0 -p who=you ${login}`, 'greet-run-', { taskSpec: { steps: [step] } }],
    [
      'pipeline start build --resolvertype hub',
      'build-run-',
      { pipelineRef: { resolver: 'hub', params: [{ name: 'name', value: 'build' }] } },
    ],
    ['pipeline start build --resolvertype bundle', 'build-run-', { pipelineRef: { resolver: 'bundles' } }],
    ['pipeline start build --last --resolvertype git', 'by-git-', { pipelineRef: { resolver: 'git' } }],
    ['pipeline start --resolvertype remote', 'by-hub-', { pipelineRef: { resolver: 'hub' } }],
  ])('%s', async (line, generateName, spec) => {
    expect(await dryRun(line)).toMatchObject({ metadata: { generateName }, spec });
  });

  it.each<[line: string, message: RegExp]>([
    ['task start -f WEB/none.yaml', /requested URL 'http.*none.yaml' is not found: .* answered 404/],
    ['task start -f WEB/pipeline.yaml', /pipeline.yaml holds a Pipeline; a Task is wanted/],
    ['task start other -i REGISTRY/team/catalog:1.0', /could not find object in image with kind: task and name: other/],
    ['task start greet -i CLOSED/team/catalog:1.0', /credentials|401|UNAUTHORIZED/],
    ['task start greet -i CLOSED/team/catalog:1.0 --remote-username me', /must be given together/],
    ['task start greet --remote-bearer x', /--remote-bearer is for the registry of a bundle: give one with --image/],
  ])('%s says what is wrong', async (line, message) => {
    const made = environment();
    expect(await made.run(addresses(line))).toBe(1);
    expect(made.err).toMatch(message);
  });
});
