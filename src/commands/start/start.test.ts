import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../../api/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { minutesAgo, pipelineRun, taskRun } from '../runs.fake.ts';

let folder: string;
const file = (name: string) => path.join(folder, name);
const step = { name: 's', image: 'busybox', script: 'true' };

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'start-'));
  const task = { spec: { params: [{ name: 'who', type: 'string' }], steps: [step] } };
  const texts: Record<string, unknown> = {
    'task.yaml': { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 'filed' }, ...task },
    'old.yaml': { apiVersion: 'tekton.dev/v1beta1', kind: 'Task', metadata: { name: 'old' }, ...task },
    'unknown-field.yaml': { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 'x' }, spec: { stpes: [] } },
    'pod.yaml': { nodeSelector: { disk: 'ssd' } },
  };
  for (const [name, object] of Object.entries(texts)) await writeFile(file(name), JSON.stringify(object));
  await writeFile(file('task.txt'), '');
  await writeFile(file('bad.yaml'), 'a: [');
});
afterAll(() => rm(folder, { recursive: true }));

function environment(options: ConstructorParameters<typeof FakeEnvironment>[0] = {}): FakeEnvironment {
  const made = new FakeEnvironment(options);
  const { cluster } = made;
  cluster.put(pipelines, {
    metadata: { name: 'build' },
    spec: {
      params: [{ name: 'url' }, { name: 'list', type: 'array', default: ['a'] }],
      workspaces: [{ name: 'src' }, { name: 'cache', optional: true }],
      tasks: [],
    },
  });
  cluster.put(tasks, {
    metadata: { name: 'greet' },
    spec: { params: [{ name: 'who', default: 'you' }], steps: [step] },
  });
  const labels = { 'tekton.dev/pipeline': 'build' };
  const spec = { pipelineRef: { name: 'build' }, params: [{ name: 'url', value: 'u' }], timeouts: { tasks: '1h0m0s' } };
  const put = (name: string, minutes: number, parts: object) =>
    cluster.put(
      pipelineRuns,
      pipelineRun(name, { spec, ...parts, metadata: { name, creationTimestamp: minutesAgo(minutes), labels } }),
    );
  put('older', 9, {});
  put('newest', 5, { spec: { ...spec, status: 'Cancelled', params: [{ name: 'url', value: 'newest' }] } });
  cluster.put(
    taskRuns,
    taskRun('greeted', {
      metadata: { generateName: 'hello-', labels: { 'tekton.dev/task': 'greet' } },
      spec: { taskRef: { name: 'greet', kind: 'Task' }, params: [{ name: 'who', value: 'me' }] },
    }),
  );
  return made;
}

const bound = '-w name=src,claimName=c';

describe('start --dry-run', () => {
  it.each([
    [
      'a Pipeline',
      `pipeline start build -p url=x ${bound} -l team=a`,
      { generateName: 'build-run-', namespace: 'ns', labels: { team: 'a' } },
      {
        pipelineRef: { name: 'build' },
        params: [{ name: 'url', value: 'x' }],
        workspaces: [{ name: 'src', persistentVolumeClaim: { claimName: 'c' } }],
      },
    ],
    [
      'a Pipeline with timeouts and accounts',
      `pipeline start build -p url=x -p list=b,c ${bound} --pipeline-timeout 1h --finally-timeout 90s -s robot --task-serviceaccount t=other --prefix-name mine`,
      { generateName: 'mine-', namespace: 'ns' },
      {
        pipelineRef: { name: 'build' },
        params: [
          { name: 'list', value: ['b', 'c'] },
          { name: 'url', value: 'x' },
        ],
        workspaces: [{ name: 'src', persistentVolumeClaim: { claimName: 'c' } }],
        timeouts: { pipeline: '1h0m0s', finally: '1m30s' },
        taskRunTemplate: { serviceAccountName: 'robot' },
        taskRunSpecs: [{ pipelineTaskName: 't', serviceAccountName: 'other' }],
      },
    ],
    [
      'the last run again, not its cancellation',
      'pipeline start build --last',
      { generateName: 'newest-', namespace: 'ns' },
      { pipelineRef: { name: 'build' }, params: [{ name: 'url', value: 'newest' }], timeouts: { tasks: '1h0m0s' } },
    ],
    [
      'a named run again with another value',
      'pipeline start build --use-pipelinerun older -p url=y',
      { generateName: 'older-', namespace: 'ns' },
      { pipelineRef: { name: 'build' }, params: [{ name: 'url', value: 'y' }], timeouts: { tasks: '1h0m0s' } },
    ],
    [
      'a Task with its defaults',
      'task start greet --timeout 5m -s robot',
      { generateName: 'greet-run-', namespace: 'ns' },
      { taskRef: { name: 'greet', kind: 'Task' }, timeout: '5m0s', serviceAccountName: 'robot' },
    ],
    [
      'the last TaskRun again',
      'task start greet --last',
      { generateName: 'hello-', namespace: 'ns' },
      { taskRef: { name: 'greet', kind: 'Task' }, params: [{ name: 'who', value: 'me' }] },
    ],
  ])('shows %s', async (_name, line, metadata, spec) => {
    const made = environment();
    expect(await made.run(`${line} --dry-run`), made.err).toBe(0);
    expect(parse(made.out)).toMatchObject({ apiVersion: 'tekton.dev/v1', metadata, spec });
    expect(Object.keys((parse(made.out) as { spec: object }).spec).sort()).toEqual(Object.keys(spec).sort());
    expect(made.cluster.requests.filter((request) => request.startsWith('create'))).toEqual([]);
  });

  it.each([['task.yaml'], ['old.yaml']])('takes the Task of a file: %s', async (name) => {
    const made = environment();
    const line = `task start -f ${file(name)} -p who=you --pod-template ${file('pod.yaml')} --dry-run -o json`;
    expect(await made.run(line), made.err).toBe(0);
    expect(JSON.parse(made.out)).toMatchObject({
      metadata: { generateName: `${name === 'old.yaml' ? 'old' : 'filed'}-run-` },
      spec: {
        taskSpec: { steps: [step] },
        params: [{ name: 'who', value: 'you' }],
        podTemplate: { nodeSelector: { disk: 'ssd' } },
      },
    });
  });
});

describe('pipelinerun rerun', () => {
  it('makes a new run of the same spec, without its cancellation', async () => {
    const made = environment();
    expect(await made.run('pr rerun newest -o name'), made.err).toBe(0);
    expect(made.out).toBe('newest-x1\n');
    const again = await made.cluster.get(pipelineRuns, 'ns', 'newest-x1');
    expect(again.spec).toEqual({
      pipelineRef: { name: 'build' },
      params: [{ name: 'url', value: 'newest' }],
      timeouts: { tasks: '1h0m0s' },
    });
    expect(again.metadata.labels).toBeUndefined();
  });

  it('from a failure names the failed run, of which what succeeded is taken over', async () => {
    const made = environment();
    await ended(made.cluster, 'False');
    expect(await made.run('pr rerun newest --from-failure -o name'), made.err).toBe(0);
    const again = await made.cluster.get(pipelineRuns, 'ns', 'newest-x1');
    expect(again.metadata.annotations).toEqual({ 'tektite.dev/rerun-from-failure': 'newest' });
  });

  it.each([
    { status: 'Unknown', why: 'PipelineRun newest has not ended: wait for it, or cancel it' },
    { status: 'True', why: 'PipelineRun newest did not fail: run it again without --from-failure' },
  ] as const)('from a failure makes nothing when the run is $status', async ({ status, why }) => {
    const made = environment();
    await ended(made.cluster, status);
    expect(await made.run('pr rerun newest --from-failure')).toBe(1);
    expect(made.err).toContain(why);
    expect(made.cluster.has(pipelineRuns, 'newest-x1')).toBe(false);
  });

  async function ended(cluster: ReturnType<typeof environment>['cluster'], status: 'True' | 'False' | 'Unknown') {
    const newest = await cluster.get(pipelineRuns, 'ns', 'newest');
    cluster.put(pipelineRuns, { ...newest, status: { conditions: [{ type: 'Succeeded', status }] } });
  }
});

describe('start', () => {
  it('creates the run and says how to follow it', async () => {
    const made = environment();
    expect(await made.run(`pipeline start build -p url=x ${bound} -c here`)).toBe(0);
    expect(made.out).toBe(
      'PipelineRun started: build-run-x1\n\nIn order to track the PipelineRun progress run:\n' +
        'tektite pipelinerun --context=here logs build-run-x1 -f -n ns\n',
    );
    expect(made.cluster.has(pipelineRuns, 'build-run-x1')).toBe(true);
  });

  it('gives only the name on request', async () => {
    const made = environment();
    expect(await made.run('task start greet -o name')).toBe(0);
    expect(made.out).toBe('greet-run-x1\n');
  });

  it('asks a person for params and workspaces', async () => {
    const answers = ['https://git', '', 'sub', 'pvc', 'claim', 'n'];
    const made = environment({ interactive: true, answers });
    expect(await made.run('pipeline start build --dry-run'), made.err).toBe(0);
    const yaml = made.out.slice(made.out.indexOf('apiVersion'));
    expect(parse(yaml)).toMatchObject({
      spec: {
        params: [{ name: 'url', value: 'https://git' }],
        workspaces: [{ name: 'src', subPath: 'sub', persistentVolumeClaim: { claimName: 'claim' } }],
      },
    });
    expect(made.out).toContain('? Value for param `list` of type `array`? (Default is `a`) ');
    expect(made.out).toContain('optional workspace `cache`');
  });

  it.each([
    ['no name', 'pipeline start', 'missing Pipeline name: give it, or a file with --filename'],
    ['an unknown name', 'pipeline start nope', 'Pipeline name nope does not exist in namespace ns'],
    ['an unknown Task', 'task start nope', 'Task name nope does not exist in namespace ns'],
    [
      'a param without a value',
      `pipeline start build ${bound}`,
      "Pipeline build needs a value for param 'url': give --param url=VALUE",
    ],
    [
      'a workspace that is not bound',
      'pipeline start build -p url=x',
      "Pipeline build needs workspace 'src': give --workspace name=src,claimName=CLAIM",
    ],
    [
      'an unknown param',
      `task start greet -p whom=x`,
      "param 'whom' not present in spec: the params of Task greet are who",
    ],
    ['a bad label', 'task start greet -l team', 'invalid input format for label parameter: team: write NAME=VALUE'],
    ['a bad timeout', 'task start greet --timeout soon', '--timeout is "soon": '],
    ['a bad format', 'task start greet -o xml', 'output format specified is xml but must be yaml, json or name'],
    ['a format and logs', 'task start greet -o yaml --showlog', 'cannot use --output option with --showlog option'],
    ['two earlier runs', 'task start greet -L --use-taskrun x', "option --last and option --use-taskrun can't be"],
    ['no earlier run', 'pipeline start build --use-pipelinerun gone', 'pipelineruns.tekton.dev "gone" not found'],
    [
      'an unknown resolver',
      'pipeline start b --resolvertype x',
      "invalid resolvertype 'x'. Valid values are: hub, git",
    ],
    ['no resolved run', 'pipeline start -L --resolvertype git', "no pipelineruns with resolver type 'git' found in"],
    ['no name for a bundle', 'task start -i reg/x:1', 'task name required with --image option'],
  ])('refuses %s', async (_name, line, message) => {
    const made = environment();
    expect(await made.run(line)).toBe(1);
    expect(made.err).toContain(`Error: ${message}`);
    expect(made.err.trimEnd().split('\n')).toHaveLength(1);
    expect(made.cluster.requests.filter((request) => request.startsWith('create'))).toEqual([]);
  });

  it.each([
    ['task.txt', /invalid file format for .*task\.txt: \.yaml or \.yml file extension and format required/],
    ['bad.yaml', /bad\.yaml:\d+: /],
    ['gone.yaml', /failed to read .*gone\.yaml: ENOENT/],
    ['unknown-field.yaml', /unknown-field\.yaml: spec\.stpes: /],
    ['pod.yaml', /pod\.yaml holds a undefined; a Task is wanted/],
  ])('refuses the file %s', async (name, message) => {
    const made = environment();
    expect(await made.run(`task start -f ${file(name)}`)).toBe(1);
    expect(made.err).toMatch(message);
  });
});
