import { describe, expect, it } from 'vitest';
import { byController, controllerId } from '../kube/owners.ts';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { FakeKubeClient } from '../kube/client.fake.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/object.ts';
import { pods, type Pod } from '../kube/resources.ts';
import { silentLogger } from '../log.ts';
import { Caches } from './caches.ts';
import { isCut, keptTaskRun } from './settled.ts';
import { wholeRuns } from './whole-runs.ts';

const ended = {
  conditions: [{ type: 'Succeeded', status: 'True' as const, reason: 'Succeeded', message: 'x'.repeat(500) }],
};
const going = { conditions: [{ type: 'Succeeded', status: 'Unknown' as const, reason: 'Running' }] };
const spec = { steps: [{ name: 'a', image: 'busybox', script: 'x'.repeat(5_000) }] };
const owner = (kind: string, name: string) => [
  { apiVersion: 'tekton.dev/v1', kind, name, uid: `uid-${name}`, controller: true },
];

function pipelineRun(status: object): PipelineRun {
  return {
    metadata: { name: 'parent', namespace: 'ns', uid: 'uid-parent' },
    spec: { pipelineSpec: { tasks: [{ name: 'a', taskSpec: spec }] } },
    status: { startTime: '2026-01-01T00:00:00Z', ...status },
  };
}
function taskRun(status: object, child = false): TaskRun {
  return {
    metadata: {
      name: 'run',
      namespace: 'ns',
      uid: 'uid-run',
      labels: { 'tekton.dev/pipelineTask': 'a', team: 'x' },
      annotations: { big: 'x'.repeat(2_000) },
      ...(child ? { ownerReferences: owner('PipelineRun', 'parent') } : {}),
    },
    spec: { taskSpec: spec, managedBy: 'tekton.dev/pipeline' },
    status: { podName: 'run-pod', taskSpec: spec, results: [{ name: 'r', type: 'string', value: 'v' }], ...status },
  };
}
function pod(phase: string): Pod {
  return {
    metadata: {
      name: 'run-pod',
      namespace: 'ns',
      uid: 'uid-pod',
      labels: { 'tekton.dev/taskRun': 'run' },
      ownerReferences: owner('TaskRun', 'run'),
    },
    spec: { containers: [{ name: 'step-a', image: 'busybox' }] },
    status: {
      phase,
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:01Z' }],
      containerStatuses: [{ name: 'step-a', image: 'busybox', imageID: '', ready: false, restartCount: 0 }],
    },
  };
}

const resources = {
  pipelineRun: pipelineRuns,
  taskRun: taskRuns,
  pod: pods,
};

async function cached(objects: { pipelineRun?: PipelineRun; taskRun?: TaskRun; pod?: Pod }) {
  const client = new FakeKubeClient();
  if (objects.pipelineRun) await client.create(resources.pipelineRun, objects.pipelineRun);
  if (objects.taskRun) await client.create(resources.taskRun, objects.taskRun);
  if (objects.pod) await client.create(resources.pod, objects.pod);
  const caches = new Caches(client as unknown as KubeClient, { namespaces: [] }, silentLogger);
  const stop = new AbortController();
  const running = caches.run(stop.signal);
  await caches.synced(stop.signal);
  const kept = () => ({
    pipelineRun: whether(caches.pipelineRuns.get('ns/parent')),
    taskRun: whether(caches.taskRuns.get('ns/run')),
    pod: whether(caches.pods.get('ns/run-pod')),
  });
  const end = async () => {
    stop.abort();
    await running;
  };
  return { client, caches, kept, end };
}
const patience = { timeout: 15_000 };
const whether = (object: object | undefined) =>
  object === undefined ? undefined : isCut(object as Pod) ? 'cut' : 'whole';

describe('what the caches keep', () => {
  const sidecar = { name: 'proxy', container: 'sidecar-proxy' };
  it.each<[string, Parameters<typeof cached>[0], Record<string, string>]>([
    ['a run that goes on', { taskRun: taskRun(going), pod: pod('Running') }, { taskRun: 'whole', pod: 'whole' }],
    [
      'a run that goes on after its pod has ended',
      { taskRun: taskRun(going), pod: pod('Succeeded') },
      { taskRun: 'whole', pod: 'whole' },
    ],
    ['a run that is over', { taskRun: taskRun(ended), pod: pod('Succeeded') }, { taskRun: 'cut', pod: 'cut' }],
    ['a run that is over and lost its pod', { taskRun: taskRun(ended) }, { taskRun: 'cut' }],
    [
      'a run whose sidecars have not ended',
      { taskRun: taskRun({ ...ended, sidecars: [{ ...sidecar, running: {} }] }), pod: pod('Succeeded') },
      { taskRun: 'whole', pod: 'whole' },
    ],
    [
      'a run whose sidecars have ended',
      { taskRun: taskRun({ ...ended, sidecars: [{ ...sidecar, terminated: { exitCode: 0 } }] }), pod: pod('Failed') },
      { taskRun: 'cut', pod: 'cut' },
    ],
    [
      'a finished task of a PipelineRun that goes on',
      { pipelineRun: pipelineRun(going), taskRun: taskRun(ended, true), pod: pod('Succeeded') },
      { pipelineRun: 'whole', taskRun: 'whole', pod: 'cut' },
    ],
    [
      'a PipelineRun that is over',
      { pipelineRun: pipelineRun(ended), taskRun: taskRun(ended, true), pod: pod('Succeeded') },
      { pipelineRun: 'cut', taskRun: 'cut', pod: 'cut' },
    ],
    [
      'a PipelineRun that is over before its last task',
      { pipelineRun: pipelineRun(ended), taskRun: taskRun(going, true), pod: pod('Running') },
      { pipelineRun: 'cut', taskRun: 'whole', pod: 'whole' },
    ],
    ['a task whose PipelineRun is gone', { taskRun: taskRun(ended, true) }, { taskRun: 'cut' }],
  ])('%s', async (_name, objects, expected) => {
    const { kept, end } = await cached(objects);
    expect(kept()).toMatchObject(expected);
    await end();
  });

  it('of a run of its own is what pruning asks for, and of what users write no more than memory allows', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, 'x']));
    const run = taskRun(ended);
    run.metadata.annotations = { ...many, long: 'x'.repeat(257), 'chains.tekton.dev/signed': 'true' };
    run.metadata.finalizers = ['x/y'];
    const around = { pipelineRun: () => undefined, pod: () => undefined };
    const { metadata } = keptTaskRun(run, around);
    expect(metadata).toMatchObject({ finalizers: ['x/y'], labels: { team: 'x', 'tekton.dev/pipelineTask': 'a' } });
    expect(metadata.annotations).toMatchObject({ 'chains.tekton.dev/signed': 'true', a0: 'x' });
    expect(Object.keys(metadata.annotations ?? {})).toHaveLength(24);
    const child = taskRun(ended, true);
    child.metadata.finalizers = ['x/y'];
    expect(keptTaskRun(child, around).metadata).not.toHaveProperty('finalizers');
  });

  it('is cut when what it waits for comes to its end', async () => {
    const { client, caches, kept, end } = await cached({
      pipelineRun: pipelineRun(going),
      taskRun: taskRun(going, true),
      pod: pod('Running'),
    });
    const update = async <T extends PipelineRun | TaskRun | Pod>(resource: Resource<T>, object: T) => {
      const { namespace, name = '' } = object.metadata;
      const { resourceVersion } = (await client.get(resource, namespace, name)).metadata;
      const whole = { ...object, metadata: { ...object.metadata, resourceVersion } } as T;
      await client.replaceStatus(resource, whole);
    };
    await update(resources.pod, pod('Succeeded'));
    await expect.poll(() => caches.pods.get('ns/run-pod')?.status?.phase, patience).toBe('Succeeded');
    expect(kept()).toEqual({ pipelineRun: 'whole', taskRun: 'whole', pod: 'whole' });
    await update(resources.taskRun, taskRun(ended, true));
    await expect.poll(kept, patience).toEqual({ pipelineRun: 'whole', taskRun: 'whole', pod: 'cut' });
    await update(resources.pipelineRun, pipelineRun(ended));
    await expect.poll(kept, patience).toEqual({ pipelineRun: 'cut', taskRun: 'cut', pod: 'cut' });
    expect(
      caches.taskRuns.byIndex(
        byController,
        controllerId({ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', uid: 'uid-parent' }),
      ),
    ).toHaveLength(1);
    await end();
  });

  it('is a tenth of it, with what is counted and indexed', async () => {
    const { caches, end } = await cached({ taskRun: taskRun(ended), pod: pod('Succeeded') });
    const kept = caches.taskRuns.get('ns/run');
    expect(JSON.stringify(kept).length).toBeLessThan(JSON.stringify(taskRun(ended)).length / 10);
    expect(kept).toMatchObject({
      metadata: { labels: { 'tekton.dev/pipelineTask': 'a' } },
      spec: { managedBy: 'tekton.dev/pipeline' },
      status: { podName: 'run-pod', conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }] },
    });
    expect(
      caches.pods.byIndex(byController, controllerId({ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', uid: 'uid-run' })),
    ).toHaveLength(1);
    await end();
  });
});

describe('wholeRuns', () => {
  const reconcileOf = (left: boolean, live: TaskRun | undefined) => async (objects: Parameters<typeof cached>[0]) => {
    const { caches, end } = await cached(objects);
    const own = wholeRuns(
      caches.taskRuns,
      () => left,
      () => Promise.resolve(live),
    );
    const met: (TaskRun | undefined)[] = [];
    const outcome = await own.whole((key) => {
      met.push(own.store.get(key));
      return Promise.resolve({ kind: 'done' });
    })('ns/run', new AbortController().signal);
    await end();
    return { outcome, met, after: own.store.get('ns/run') };
  };

  it('passes over a settled run', async () => {
    const { outcome, met } = await reconcileOf(false, undefined)({ taskRun: taskRun(ended) });
    expect([outcome, met]).toEqual([{ kind: 'skip' }, []]);
  });

  it('reads the whole run when something is left to do, and keeps it no longer than that', async () => {
    const live = taskRun(ended);
    const { outcome, met, after } = await reconcileOf(true, live)({ taskRun: taskRun(ended) });
    expect(outcome).toEqual({ kind: 'done' });
    expect(met).toEqual([live]);
    expect(after && isCut(after)).toBe(true);
  });

  it('passes over a run that is gone meanwhile', async () => {
    expect(await reconcileOf(true, undefined)({ taskRun: taskRun(ended) })).toMatchObject({
      outcome: { kind: 'skip' },
    });
  });

  it('leaves other runs alone', async () => {
    const { met } = await reconcileOf(true, undefined)({ taskRun: taskRun(going) });
    expect(met).toMatchObject([{ spec: { taskSpec: {} } }]);
  });
});
