import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { command, root } from '../../hack/command.ts';
import { programPath } from '../../hack/deploy/pick-cluster.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { signingSecretName } from '../../src/chains/signing/file-key.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import { pods } from '../../src/kube/resources.ts';
import type { Run } from '../cluster-access/runs.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { PodCount } from './pod-count.ts';
import { previousRelease, type PreviousRelease } from './previous-release.ts';
import { testCluster } from './setup.ts';

/**
 * The release before this one, built from its own sources, works on runs of all kinds; by the documented command this
 * one takes its place, and every run ends as if nothing had happened.
 */
const bench = openWorkbench('upgrade');
const image = 'docker.io/library/busybox:1.36';
/** The roles that have nothing to do with runs take half of the time. */
const lean = { webDashboard: { enabled: false }, triggers: { enabled: false }, resolvers: { enabled: false } };
let installation: Installation;
let folder: string;
let previous: PreviousRelease;
let podCount: PodCount;
const before = new Map<string, Run>();
const after = new Map<string, Run>();

/** A line of shell, before which steps wait until they are let go on. */
const door = 'until [ -e /tmp/open ]; do sleep 0.3; done';

/** Lets all steps go on that wait. */
async function openDoor(): Promise<void> {
  const { items } = await bench.client.list(pods, { namespace: bench.namespace, labelSelector: 'tekton.dev/taskRun' });
  const waiting = items.filter(
    ({ status, spec }) => status?.phase === 'Running' && JSON.stringify(spec).includes('step-work'),
  );
  const words = (pod: string) => [
    '--namespace',
    bench.namespace,
    'exec',
    pod,
    '-c',
    'step-work',
    '--',
    'touch',
    '/tmp/open',
  ];
  await Promise.all(waiting.map(({ metadata }) => installation.kubectl(words(metadata.name ?? ''))));
}

const step = (...lines: string[]) => [{ name: 'work', image, script: ['#!/bin/sh', 'set -eu', ...lines].join('\n') }];
const waits = (...lines: string[]) => step(door, ...lines);
const task = (name: string, steps: ReturnType<typeof step>, more: object = {}) => ({
  name,
  taskSpec: { steps },
  ...more,
});
const pipeline = (name: string, spec: PipelineRunSpec, annotations: Record<string, string> = {}) =>
  bench.startPipeline(spec, { name, annotations });

/** A run that the release before has begun. */
interface Row {
  name: string;
  /** Makes it, and waits until it is where it is to be when the upgrade comes. */
  begin: () => Promise<Run>;
  /** What is typed after the upgrade. */
  then?: () => Promise<unknown>;
  condition: { status: 'True' | 'False'; reason: string };
  /** How many pods each TaskRun of it has had. */
  pods: Record<string, number>;
}

const runs = (run: TaskRun) => run.status?.steps?.some(({ running }) => running) ?? false;
/** The TaskRun of a PipelineRun's task is there, and its step runs. */
async function working(run: PipelineRun, taskName: string): Promise<PipelineRun> {
  const child = ({ status }: PipelineRun) =>
    status?.childReferences?.find((each) => each.pipelineTaskName === taskName);
  const found = await bench.waitFor(run, (current) => child(current) !== undefined);
  await bench.waitFor({ kind: 'TaskRun', metadata: { name: child(found)?.name } } as TaskRun, runs);
  return found;
}

const rows: Row[] = [
  {
    name: 'in-flight',
    begin: async () => {
      const first = task('first', waits('printf one > $(results.said.path)'));
      const results = [{ name: 'said' }];
      const tasks = [
        { ...first, taskSpec: { ...first.taskSpec, results } },
        task('second', step('[ "$(tasks.first.results.said)" = one ]')),
        task('third', step('true'), { runAfter: ['second'] }),
      ];
      return working(await pipeline('in-flight', { pipelineSpec: { tasks } }), 'first');
    },
    condition: { status: 'True', reason: 'Succeeded' },
    pods: { 'in-flight-first': 1, 'in-flight-second': 1, 'in-flight-third': 1 },
  },
  {
    name: 'on-one-volume',
    begin: async () => {
      const workspaces = [{ name: 'shared' }];
      const tasks = [
        task('write', waits('echo kept > $(workspaces.shared.path)/file'), { workspaces }),
        task('read', step('grep kept $(workspaces.shared.path)/file'), { workspaces, runAfter: ['write'] }),
      ];
      for (const each of tasks) Object.assign(each.taskSpec, { workspaces });
      const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
      const spec = {
        pipelineSpec: { workspaces, tasks },
        workspaces: [{ name: 'shared', volumeClaimTemplate: { spec: claim } }],
      };
      return working(await pipeline('on-one-volume', spec), 'write');
    },
    condition: { status: 'True', reason: 'Succeeded' },
    pods: { 'on-one-volume-write': 1, 'on-one-volume-read': 1 },
  },
  {
    name: 'retried',
    begin: async () => {
      const steps = step('[ "$(context.task.retry-count)" = 1 ] || exit 3', door);
      const run = await bench.startTask({ retries: 1, taskSpec: { steps } }, { name: 'retried' });
      return bench.waitFor(run, (current) => current.status?.retriesStatus?.length === 1 && runs(current));
    },
    condition: { status: 'True', reason: 'Succeeded' },
    pods: { retried: 2 },
  },
  {
    name: 'queued',
    begin: async () => {
      const lane = { 'tektite.dev/concurrency-limit': '1', 'tektite.dev/concurrency-key': 'param:lane' };
      const params = [{ name: 'lane', value: 'one' }];
      const spec = (steps: ReturnType<typeof step>) => ({
        params,
        pipelineSpec: { params: [{ name: 'lane' }], tasks: [task('only', steps)] },
      });
      await working(await pipeline('before-it', spec(waits()), lane), 'only');
      const run = await pipeline('queued', spec(step('true')), lane);
      return bench.waitFor(run, ({ status }) => succeededCondition(status)?.reason === 'PipelineRunPending');
    },
    condition: { status: 'True', reason: 'Succeeded' },
    pods: { 'before-it-only': 1, 'queued-only': 1 },
  },
  {
    name: 'cancelled',
    begin: async () => {
      const spec = { tasks: [task('long', step('sleep 600'))], finally: [task('clean', waits())] };
      const run = await working(await pipeline('cancelled', { pipelineSpec: spec }), 'long');
      await bench.client.patch(pipelineRuns, bench.namespace, 'cancelled', {
        type: 'merge',
        body: { spec: { status: 'CancelledRunFinally' } },
      });
      return working(run, 'clean');
    },
    condition: { status: 'False', reason: 'Cancelled' },
    pods: { 'cancelled-long': 1, 'cancelled-clean': 1 },
  },
  {
    name: 'pending',
    begin: () =>
      pipeline('pending', { status: 'PipelineRunPending', pipelineSpec: { tasks: [task('only', step('true'))] } }),
    then: () =>
      bench.client.patch(pipelineRuns, bench.namespace, 'pending', { type: 'merge', body: { spec: { status: null } } }),
    condition: { status: 'True', reason: 'Succeeded' },
    pods: { 'pending-only': 1 },
  },
  {
    name: 'too-long',
    begin: async () => {
      const spec: TaskRun['spec'] = { timeout: '45s', taskSpec: { steps: step('sleep 600') } };
      return bench.waitFor(await bench.startTask(spec, { name: 'too-long' }), runs);
    },
    condition: { status: 'False', reason: 'TaskRunTimeout' },
    pods: { 'too-long': 1 },
  },
  {
    name: 'unsigned',
    begin: async () => {
      await inChains('delete', 'deployment/tekton-chains-controller', '--cascade=foreground');
      return bench.runTask({ taskSpec: { steps: step('true') } }, { name: 'unsigned' });
    },
    condition: { status: 'True', reason: 'Succeeded' },
    pods: { unsigned: 1 },
  },
];

const inChains = (...args: string[]) => installation.kubectl(['--namespace', 'tekton-chains', ...args]);
const annotationsOf = async (name: string) =>
  (await bench.client.get(taskRuns, bench.namespace, name)).metadata.annotations ?? {};
const signed = (name: string) =>
  bench.waitFor(
    { kind: 'TaskRun', metadata: { name } } as TaskRun,
    ({ metadata }) => metadata.annotations?.['chains.tekton.dev/signed'] === 'true',
  );

/** Runs the page's command that begins with these words, as a person would beside his values.yaml. */
async function asDocumented(words: string): Promise<void> {
  const page = readFileSync(path.join(root, 'config/docs/upgrades.md'), 'utf8');
  const line = page.split('\n').find((each) => each.startsWith(words)) ?? '';
  expect(line).not.toBe('');
  const target = await testCluster();
  const search = [path.dirname(await programPath(target, 'helm')), process.env['PATH'] ?? ''].join(':');
  await command(['sh', '-ec', line.replace(' config/', ` ${root}/config/`)], {
    cwd: folder,
    env: { PATH: search, KUBECONFIG: target.kubeconfig },
    timeoutMs: 180_000,
  });
  await installation.settled();
}

const imageOfController = () =>
  installation.kubectl([
    'get',
    'deployment/tekton-pipelines-controller',
    '-o',
    'jsonpath={.spec.template.spec.containers[0].image}',
  ]);

beforeAll(async () => {
  installation = await Installation.open();
  const { registry } = await testCluster();
  previous = await previousRelease(registry);
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-upgrade-'));
  await writeFile(path.join(folder, 'values.yaml'), stringify({ ...(parse(installation.values) as object), ...lean }));
  await installation.upgrade({ ...lean, ...previous.values }, previous.chart);
  expect(await imageOfController()).toContain(previous.repository);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const patch = JSON.stringify({ stringData: { 'x509.pem': key } });
  await inChains('patch', 'secret', signingSecretName, '--type=merge', '--patch', patch);
}, 300_000);

afterAll(async () => {
  await installation.upgradeWithoutKey();
  await previous.remove();
  await rm(folder, { recursive: true, force: true });
  await installation.close();
}, 300_000);

describe('an upgrade from the previous release', () => {
  let signedBefore: Record<string, string>;

  beforeAll(async () => {
    podCount = new PodCount(bench.client, bench.namespace);
    await bench.runTask({ taskSpec: { steps: step('true') } }, { name: 'signed' });
    await signed('signed');
    signedBefore = await annotationsOf('signed');
    // The last of them stops Chains.
    const others = await Promise.all(rows.slice(0, -1).map(async (row) => [row.name, await row.begin()] as const));
    for (const [name, run] of others) before.set(name, run);
    for (const row of rows.slice(-1)) before.set(row.name, await row.begin());
    await asDocumented('helm upgrade');
    await openDoor();
    for (const row of rows) await row.then?.();
    const ends = [...before].map(async ([name, run]) => [name, await bench.waitFor(run, undefined, 90)] as const);
    for (const [name, run] of await Promise.all(ends)) after.set(name, run);
  }, 400_000);

  it('has the new controller, and all runs but one were going on', async () => {
    expect(await imageOfController()).not.toContain(previous.repository);
    expect([...before].filter(([, run]) => isDone(run.status)).map(([name]) => name)).toEqual(['unsigned']);
  });

  it.each(rows)('$name: ends as if nothing had happened', ({ name, condition }) => {
    const run = after.get(name);
    expect(run?.metadata.uid).toBe(before.get(name)?.metadata.uid);
    expect(succeededCondition(run?.status)).toMatchObject(condition);
  });

  it('started no pod twice', async () => {
    const wanted = Object.assign({ signed: 1 }, ...rows.map((row) => row.pods)) as Record<string, number>;
    expect(await podCount.end()).toEqual(wanted);
  });

  it('has every run signed that ended, before or after it, and none twice', async () => {
    const all = async () =>
      [
        ...(await bench.client.list(taskRuns, { namespace: bench.namespace })).items,
        ...(await bench.client.list(pipelineRuns, { namespace: bench.namespace })).items,
      ] as Run[];
    const unsigned = async () =>
      (await all())
        .filter(({ metadata }) => metadata.annotations?.['chains.tekton.dev/signed'] !== 'true')
        .map(({ metadata }) => [metadata.name, metadata.annotations]);
    await expect.poll(unsigned, { timeout: 60_000, interval: 500 }).toEqual([]);
    expect((await all()).filter(({ metadata }) => metadata.finalizers?.length)).toEqual([]);
    expect(await annotationsOf('signed')).toEqual(signedBefore);
  });
});

describe('the way back to the previous release', () => {
  it('lets a run that the newer one began end as well', async () => {
    // A first try may have gone back already.
    if ((await imageOfController()).includes(previous.repository)) await asDocumented('helm upgrade');
    const tasks = [task('first', waits()), task('second', step('true'), { runAfter: ['first'] })];
    const counted = new PodCount(bench.client, bench.namespace);
    const started = await bench.startPipeline({ pipelineSpec: { tasks } }, { generateName: 'back-' });
    const run = await working(started, 'first');
    const [first, second] = ['first', 'second'].map((name) => `${run.metadata.name}-${name}`) as [string, string];
    await asDocumented('helm rollback');
    expect(await imageOfController()).toContain(previous.repository);
    await openDoor();
    expect(succeededCondition((await bench.waitFor(run, undefined, 90)).status)).toMatchObject({ status: 'True' });
    expect(await counted.end()).toMatchObject({ [first]: 1, [second]: 1 });
    await signed(second);
  });
});
