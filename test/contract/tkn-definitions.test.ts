import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import type { Resource } from '../../src/resource.ts';
import { createRun, prepare } from './tkn-fixture.ts';
import { programs, type Outcome, type Program } from './tkn-programs.ts';

/** Pipelines and Tasks: what tkn prints of them and makes of them, we print and make, on the same objects. */
const namespace = `tkn-definitions-${process.pid}`;
let client: KubeClient;
let ours: Program;
let theirs: Program;
let folder: string;

const steps = [{ name: 's', image: 'busybox', script: 'true' }];
const times = { startTime: '2026-01-01T00:00:00Z', completionTime: '2026-01-01T00:01:05Z' };
const succeeded = { type: 'Succeeded', status: 'True', reason: 'Succeeded', message: 'All is done' } as const;

const files: Readonly<Record<string, object>> = {
  'pod.yaml': { nodeSelector: { disk: 'ssd' }, securityContext: { runAsUser: 1000 } },
  'claim.yaml': { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  'csi.yaml': { driver: 'secrets.example.com', readOnly: true },
  'task.yaml': {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: { name: 'filed' },
    spec: { params: [{ name: 'who' }], steps },
  },
  'pipeline.yaml': {
    apiVersion: 'tekton.dev/v1',
    kind: 'Pipeline',
    metadata: { name: 'filed' },
    spec: { params: [{ name: 'who' }], tasks: [{ name: 'a', taskRef: { name: 'greet' } }] },
  },
};

beforeAll(async () => {
  client = await prepare(namespace);
  [ours, theirs] = (await programs()) as [Program, Program];
  folder = await mkdtemp(path.join(tmpdir(), 'tkn-start-'));
  for (const [name, object] of Object.entries(files)) await writeFile(path.join(folder, name), JSON.stringify(object));
  await client.create(tasks, {
    metadata: { name: 'greet', namespace },
    spec: {
      description: 'says hello',
      params: [
        { name: 'who', type: 'string', default: 'you' },
        { name: 'list', type: 'array', default: ['a', 'b'] },
        { name: 'map', type: 'object', properties: { k: {} }, default: { k: 'v' } },
      ],
      results: [{ name: 'said', description: 'what it said' }],
      workspaces: [{ name: 'data', optional: true, description: 'a place' }],
      steps,
    },
  });
  await client.create(tasks, { metadata: { name: 'bare', namespace }, spec: { steps } });
  await client.create(pipelines, { metadata: { name: 'idle', namespace }, spec: { tasks: [] } });
  await client.create(pipelines, {
    metadata: { name: 'build', namespace },
    spec: {
      description: 'builds',
      params: [
        { name: 'url', type: 'string', description: 'where from' },
        { name: 'list', type: 'array', default: ['a'] },
      ],
      workspaces: [{ name: 'src' }, { name: 'cache', optional: true }],
      results: [{ name: 'made', value: '$(tasks.a.results.said)' }],
      tasks: [
        { name: 'a', taskRef: { name: 'greet' } },
        { name: 'b', taskRef: { name: 'bare' }, runAfter: ['a'], timeout: '1m0s', retries: 2 },
      ],
      finally: [{ name: 'z', taskRef: { name: 'bare' } }],
    },
  });
  await createRun(client, pipelineRuns, {
    metadata: { name: 'built', namespace, labels: { 'tekton.dev/pipeline': 'build', team: 'blue' } },
    spec: {
      pipelineRef: { name: 'build' },
      params: [{ name: 'url', value: 'u' }],
      workspaces: [{ name: 'src', emptyDir: {} }],
      timeouts: { pipeline: '1h0m0s' },
      taskRunTemplate: { serviceAccountName: 'robot' },
      taskRunSpecs: [{ pipelineTaskName: 'b', serviceAccountName: 'other' }],
    },
    status: { ...times, conditions: [succeeded] },
  });
  await createRun(client, taskRuns, {
    metadata: { generateName: 'hello-', name: 'hello-1', namespace, labels: { 'tekton.dev/task': 'greet' } },
    spec: { taskRef: { name: 'greet', kind: 'Task' }, params: [{ name: 'who', value: 'me' }], timeout: '5m0s' },
    status: { ...times, podName: '', conditions: [succeeded] },
  });
});
afterAll(async () => {
  await client?.delete(namespaces, undefined, namespace).catch(() => undefined);
  await client?.close(true);
  await rm(folder, { recursive: true, force: true });
});

/** Without the empty values that Go writes, and the kind that every reference to a Task has. */
function bare(value: unknown): unknown {
  // Params and workspaces come out of a map of Go's.
  if (Array.isArray(value)) return value.map(bare).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, inner]) => [key, bare(inner)] as const)
    .filter(([key, inner]) => !isEmpty(inner) && !(key === 'kind' && inner === 'Task'));
  return Object.fromEntries(entries);
}

/** `emptyDir: {}` is given. */
function isEmpty(value: unknown): boolean {
  return value === '' || value === undefined || isDeepStrictEqual(value, {});
}

/** Takes away what was made, and tells it without what the server gave it. */
async function taken(): Promise<unknown[]> {
  const made: unknown[] = [];
  for (const resource of [pipelineRuns, taskRuns] as unknown as Resource<PipelineRun | TaskRun>[]) {
    const { items } = await client.list(resource, { namespace });
    for (const { metadata, spec } of items) {
      const { name = '', generateName, labels, annotations } = metadata;
      if (name === 'built' || name === 'hello-1') continue;
      await client.delete(resource, namespace, name);
      made.push(bare({ of: resource.kind, generateName, labels, annotations, spec }));
    }
  }
  return made;
}

/** Ages may differ by what passes between two programs, and names by what the server appends. */
function comparable({ status, out, err }: Outcome, isManifest: boolean) {
  const text = out
    .replaceAll(/\d+ \w+ ago/g, 'some time ago')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/(run|built|hello|mine)-\w{5}\b/g, '$1-NAME')
    .replaceAll(/^(tkn|tektite) /gm, '')
    .trimEnd();
  return { status, out: isManifest && status === 0 ? bare(parse(out)) : text, err };
}

/** What became of a command line with each program. DIR is the folder with the files. */
async function both(line: string): Promise<[mine: unknown, wanted: unknown]> {
  const words = line.split(' ').map((word) => word.replaceAll('DIR', folder));
  const place = words.includes('-n') ? [] : ['-n', namespace];
  const isManifest = words.includes('--dry-run') && !words.includes('name');
  const end = async (program: Program) => {
    const outcome = comparable(await program.run([...words, ...place]), isManifest);
    return { ...outcome, made: await taken() };
  };
  return [await end(ours), await end(theirs)];
}

/** What tkn would ask for otherwise. */
const unasked = '--use-param-defaults --skip-optional-workspace';
const src = `-w name=src,emptyDir= ${unasked}`;

describe('start: the same words, and the same object', () => {
  it.each([
    `pipeline start build -p url=x ${src}`,
    `pipeline start build -p url=x -p list=b,c ${src} -o name`,
    `pipeline start build -p url=x -w name=src,claimName=c,subPath=d -w name=cache,secret=s ${unasked} -o name`,
    `pipeline start build -p url=x -w name=src,config=c,item=a=b ${unasked} -o name`,
    `pipeline start build -p url=x -w name=src,volumeClaimTemplateFile=DIR/claim.yaml ${unasked} -o name`,
    `pipeline start build -p url=x -w name=src,csiFile=DIR/csi.yaml ${unasked} -o name`,
    `pipeline start build -p url=x ${src} --dry-run`,
    `pipeline start build -p url=x ${src} --dry-run -o json`,
    `pipeline start build -p url=x ${src} --dry-run -o name`,
    `pipeline start build -p url=x ${src} -o name --pipeline-timeout 1h --tasks-timeout 30m --finally-timeout 90s`,
    `pipeline start build -p url=x ${src} -o name -s robot --task-serviceaccount b=other -l team=a,kind=b`,
    `pipeline start build -p url=x ${src} -o name --pod-template DIR/pod.yaml --prefix-name mine`,
    'pipeline start build --last -o name',
    'pipeline start build --last -p url=y -o name --prefix-name mine',
    'pipeline start build --use-pipelinerun built -o name',
    'pipeline start build --use-pipelinerun nope',
    'pipeline start build --last --use-pipelinerun built',
    'pipeline start build --last --use-param-defaults',
    'pipeline start build --last -f x.yaml',
    `pipeline start build -p url=x ${src} -o name --showlog`,
    'pipeline start nope',
    'pipeline start idle --last',
    'pipeline start idle -o name',
    'pipeline start build --resolvertype nowhere',
    'pipeline start --resolvertype git',
    'pipeline start -f DIR/pipeline.yaml -p who=me -o name',
    'pipeline start -f DIR/pipeline.yaml -p who=me --dry-run',
    `task start greet ${unasked}`,
    `task start greet -p who=me -p list=x,y -p map=k:w ${unasked}`,
    `task start greet ${unasked} --dry-run`,
    `task start greet ${unasked} --dry-run --output json`,
    `task start greet -w name=data,emptyDir=Memory ${unasked}`,
    `task start greet ${unasked} --timeout 5m -s robot -l team=a`,
    `task start greet ${unasked} --pod-template DIR/pod.yaml --prefix-name mine`,
    'task start greet --last',
    'task start greet --use-taskrun hello-1',
    'task start greet --use-taskrun nope',
    'task start bare',
    'task start nope',
    'task start',
    'task start -f DIR/task.yaml -p who=me',
    'task start -f DIR/task.yaml -p who=me --dry-run',
    'task start greet --image x --last',
  ])('%s', async (line) => {
    const [mine, wanted] = await both(line);
    expect(mine).toEqual(wanted);
  });

  // tkn names neither the value nor the way out, or waits for an answer.
  it.each([
    `pipeline start build -p url=x ${src} -o wide`,
    `pipeline start build -p url ${src}`,
    `pipeline start build -p nope=x -p url=x ${src}`,
    `pipeline start build -p url=x -w name=src ${unasked}`,
    `pipeline start build -p url=x -w claimName=src ${unasked}`,
    `pipeline start build -p url=x ${src} --pipeline-timeout soon`,
    'pipeline start -f DIR/nope.yaml',
    'task start bare --last',
  ])('in words of our own: %s', async (line) => {
    const [mine, wanted] = await both(line);
    expect(mine).toMatchObject({ status: 1, out: '', made: [] });
    expect(wanted).toMatchObject({ status: 1, made: [] });
  });
});

describe('list, describe, export, logs, delete', () => {
  it.each([
    'pipeline list',
    'pipeline list --no-headers',
    'pipeline list -o name',
    'pipeline list -o jsonpath={.items[*].metadata.name}',
    'pipeline list -n nowhere',
    'pipeline describe build',
    'pipeline describe idle',
    'pipeline describe nope',
    'pipeline describe build -o name',
    'pipeline export build',
    'pipeline export nope',
    'pipeline logs build built',
    'pipeline logs nope',
    'pipeline logs idle',
    'pipeline delete nope -f',
    'pipeline delete',
    'pipeline delete build --all -f',
    'task list',
    'task list --no-headers',
    'task list -o name',
    'task list -n nowhere',
    'task describe greet',
    'task describe bare',
    'task describe nope',
    'task describe greet -o name',
    'task logs greet hello-1',
    'task logs nope',
    'task logs bare',
    'task delete nope -f',
    'task delete',
    'task delete bare --all -f',
  ])('%s', async (line) => {
    const [mine, wanted] = await both(line);
    expect(mine).toEqual(wanted);
  });
});

describe('completion', () => {
  /** Of another chooser, of output that tkn does not write, of credentials for files. */
  const notOurs: Readonly<Record<string, RegExp>> = {
    describe: /^--fzf$/,
    logs: /^--fzf$/,
    delete: /^--(allow-missing-template-keys|output|show-managed-fields|template)$/,
    export: /^--(allow-missing-template-keys|output|show-managed-fields|template)$/,
    start: /^--remote-/,
  };
  const words = ({ out }: Outcome) =>
    out.split('\n').flatMap((line) => (line === '' || line.startsWith(':') ? [] : (line.split('\t')[0] ?? '')));

  it.each([
    'pipeline',
    'task',
    ...['list', 'describe', 'start', 'logs', 'delete', 'export'].map((name) => `pipeline ${name} --`),
    ...['list', 'describe', 'start', 'logs', 'delete'].map((name) => `task ${name} --`),
    ...['list', 'describe', 'logs', 'delete', 'export', 'cancel'].flatMap((name) => [`pr ${name} --`, `tr ${name} --`]),
    'pipeline start --resolvertype',
  ])('%s: what tkn offers', async (line) => {
    const given = line.endsWith('--') ? line.split(' ') : [...line.split(' '), ''];
    const left = notOurs[given[1] ?? ''];
    const wanted = words(await theirs.run(['__complete', ...given])).filter((word) => !left?.test(word));
    expect(wanted.length).toBeGreaterThan(2);
    expect(words(await ours.run(['__complete', '--', ...given]))).toEqual(expect.arrayContaining(wanted));
  });
});
