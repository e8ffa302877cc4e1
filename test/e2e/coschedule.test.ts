import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { configMaps, pods, type Pod } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';

/**
 * Flag coschedule with two nodes: the real scheduler binds pods to nodes that are objects alone, so that no pod of them
 * ever runs. Where they are bound is all that is asked.
 */
const bench = openWorkbench('coschedule');
const nodeLabel = 'coschedule.tektite.dev/node';
const two = ['coschedule-a', 'coschedule-b'];
const claims = ['one', 'other'];
const seconds = 60;
const template = 'default-affinity-assistant-pod-template';
let installation: Installation;

const node = (name: string) => {
  const room = { cpu: '8', memory: '16Gi', pods: '50' };
  const now = new Date().toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { [nodeLabel]: 'yes', 'kubernetes.io/hostname': name } },
    status: {
      capacity: room,
      allocatable: room,
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }],
    },
  };
};

/** A claim with its volume, which any node may have, but one at a time. */
const claim = (name: string) => {
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  const volumeName = `${bench.namespace}-${name}`;
  const size = { storage: '1Mi' };
  const claimRef = { namespace: bench.namespace, name };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName },
      spec: { ...spec, capacity: size, claimRef, hostPath: { path: '/var/empty' } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace: bench.namespace },
      spec: { ...spec, volumeName, resources: { requests: size } },
    },
  ];
};

/** Nodes that nobody hears of; a cordoned one is not among what is tolerated. */
const silent = ['not-ready', 'unreachable'].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: 'Exists',
}));

const list = (items: object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

beforeAll(async () => {
  installation = await Installation.open();
  await installation.kubectl(['create', '--filename', '-'], list(two.map(node)));
  await installation.kubectl(
    ['--namespace', bench.namespace, 'create', '--filename', '-'],
    list(claims.flatMap(claim)),
  );
});

afterAll(async () => {
  await Promise.all([setFlag(null), setData('config-defaults', { [template]: null })]);
  const gone = ['--namespace', bench.namespace, 'delete', '--all', '--ignore-not-found'];
  await installation.kubectl([...gone, 'pipelinerun']);
  // No kubelet ends them.
  await installation.kubectl([...gone, 'pod', '--force', '--grace-period=0']);
  await installation.kubectl(['delete', 'node', ...two, '--ignore-not-found']);
  await installation.kubectl(['delete', 'pv', ...claims.map((name) => `${bench.namespace}-${name}`), '--wait=false']);
  await installation.close();
});

const setFlag = (coschedule: string | null) => setData('feature-flags', { coschedule });

async function setData(map: string, data: Record<string, string | null>): Promise<void> {
  await bench.client.patch(configMaps, systemNamespace, map, { type: 'merge', body: { data } });
}

const step = { name: 's', image: 'docker.io/library/busybox:1.36', command: ['true'] };

/** Tasks, at the same time or one after the other, each with the claim of its place in the list, if any. */
const spec = (of: readonly (string | undefined)[], inTurn = false, cpu = '10m'): PipelineRunSpec => ({
  taskRunTemplate: { podTemplate: { nodeSelector: { [nodeLabel]: 'yes' }, tolerations: silent } },
  workspaces: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  pipelineSpec: {
    workspaces: claims.map((name) => ({ name })),
    tasks: of.map((name, index) => ({
      name: `t${index}`,
      ...(inTurn && index > 0 ? { runAfter: [`t${index - 1}`] } : {}),
      ...(name === undefined ? {} : { workspaces: [{ name: 'w', workspace: name }] }),
      taskSpec: {
        steps: [{ ...step, computeResources: { requests: { cpu } } }],
        ...(name === undefined ? {} : { workspaces: [{ name: 'w' }] }),
      },
    })),
  },
});

/** Starts a run under the flag: the controller sees the map within moments. */
async function startUnder(coschedule: string, ...tasks: Parameters<typeof spec>): Promise<PipelineRun> {
  for (;;) {
    const started = await bench.startPipeline(spec(...tasks));
    const run = await bench.waitFor(started, ({ status }) => status?.provenance?.featureFlags !== undefined, seconds);
    if (run.status?.provenance?.featureFlags?.['coschedule'] === coschedule) return run;
    await drop(run);
  }
}

/** Takes a run away with its pods, which no kubelet ends: a later one must not find their node taken. */
async function drop(run: PipelineRun): Promise<void> {
  const inNamespace = (...args: string[]) =>
    installation.kubectl(['--namespace', bench.namespace, ...args, '--selector', selectorOf(run)]);
  await bench.client.delete(pipelineRuns, bench.namespace, run.metadata.name ?? '');
  await expect
    .poll(
      async () => {
        await inNamespace('delete', 'pod', '--force', '--grace-period=0');
        return (await inNamespace('get', 'taskrun,pod', '-o', 'name')).trim();
      },
      { timeout: seconds * 1000, interval: 250 },
    )
    .toBe('');
}

const selectorOf = ({ metadata }: PipelineRun) => `tekton.dev/pipelineRun=${metadata.name ?? ''}`;

/** Those of its tasks. */
async function podsOf(run: PipelineRun): Promise<Pod[]> {
  const labelSelector = `${selectorOf(run)},tekton.dev/taskRun`;
  return (await bench.client.list(pods, { namespace: bench.namespace, labelSelector })).items;
}

/** The nodes of the run's tasks, in their order, once all are bound. */
async function nodesOf(run: PipelineRun, count: number): Promise<string[]> {
  let found: string[] = [];
  await expect
    .poll(
      async () => {
        const all = (await podsOf(run)).map(({ metadata, spec }) => [
          metadata.labels?.['tekton.dev/pipelineTask'] ?? '',
          spec?.nodeName ?? '',
        ]);
        found = all
          .sort()
          .map(([, name = '']) => name)
          .filter(Boolean);
        return found.length;
      },
      { timeout: seconds * 1000, interval: 250 },
    )
    .toBe(count);
  return found;
}

/** What the kubelet would say of a node that is well, and of pods whose steps have succeeded. */
async function patchStatus(kind: 'node' | 'pod', name: string, status: object): Promise<void> {
  const patch = ['patch', kind, name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status })];
  await installation.kubectl(['--namespace', bench.namespace, ...patch]);
}

async function beat(): Promise<void> {
  const { conditions } = node('').status;
  await Promise.all(two.map((name) => patchStatus('node', name, { conditions })));
}

async function succeed(run: PipelineRun): Promise<void> {
  const terminated = { exitCode: 0, reason: 'Completed', finishedAt: new Date().toISOString() };
  for (const { metadata, spec: made } of (await podsOf(run)).filter(({ spec: made }) => made?.nodeName)) {
    const ended = { image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated } };
    const containerStatuses = made?.containers.map(({ name }) => ({ name, ...ended }));
    await patchStatus('pod', metadata.name ?? '', { phase: 'Succeeded', containerStatuses });
  }
}

/** A pod that takes a part of a node's room, most of it if not told otherwise: the scheduler likes the other better. */
async function crowd(nodeName: string, requests = { cpu: '6', memory: '12Gi' }): Promise<() => Promise<string>> {
  const container = { name: 'c', image: 'x', resources: { requests } };
  const crowded = { nodeName, tolerations: [{ operator: 'Exists' }], containers: [container] };
  const metadata = { name: 'crowd', namespace: bench.namespace };
  await bench.client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: crowded });
  const gone = ['--namespace', bench.namespace, 'delete', 'pod', 'crowd', '--force', '--grace-period=0'];
  return () => installation.kubectl(gone);
}

const different = (names: readonly string[]) => new Set(names).size;

describe('coschedule with two nodes', () => {
  it('disabled: pods go where the scheduler likes', async () => {
    await setFlag('disabled');
    const run = await startUnder('disabled', ['one', 'one', 'one', 'one']);
    expect(different(await nodesOf(run, 4))).toBe(2);
    await drop(run);
  });

  it('workspaces: those that share a claim are on one node', async () => {
    await setFlag('workspaces');
    const run = await startUnder('workspaces', ['one', 'one', 'one', 'other', 'other', 'other']);
    const nodes = await nodesOf(run, 6);
    expect([different(nodes.slice(0, 3)), different(nodes.slice(3))]).toEqual([1, 1]);
    await drop(run);
  });

  it('pipelineruns: all of a run are on one node, and two runs may share it', async () => {
    await setFlag('pipelineruns');
    const run = await startUnder('pipelineruns', [undefined, undefined, 'one', 'other']);
    expect(different(await nodesOf(run, 4))).toBe(1);
    await drop(run);
  });

  it.each([
    ['workspaces', 'one'],
    ['pipelineruns', undefined],
  ])('%s: what comes later goes where the run was, however empty the other node', async (flag, claimName) => {
    await setFlag(flag);
    await beat();
    const run = await startUnder(flag, [claimName, claimName], true);
    const [first = ''] = await nodesOf(run, 1);
    const leave = await crowd(first);
    await succeed(run);
    expect(await nodesOf(run, 2)).toEqual([first, first]);
    await leave();
    await drop(run);
  });

  it('workspaces: what begins at once and has no room beside the other goes where that was, not elsewhere', async () => {
    await setFlag('workspaces');
    await beat();
    const run = await startUnder('workspaces', ['one', 'one'], false, '5');
    const [first = ''] = await nodesOf(run, 1);
    const others = async () => (await podsOf(run)).filter(({ spec: made }) => made?.nodeName !== first);
    await expect
      .poll(async () => (await others()).map(({ metadata }) => metadata.annotations?.['tektite.dev/group-node']), {
        timeout: seconds * 1000,
        interval: 250,
      })
      .toEqual([first]);
    // By now both nodes have room for it, and the other more.
    const leave = await crowd(first, { cpu: '2', memory: '4Gi' });
    await succeed(run);
    expect(await nodesOf(run, 2)).toEqual([first, first]);
    await leave();
    await drop(run);
  });

  it('workspaces: what comes later goes to another node when its own was cordoned', async () => {
    await setFlag('workspaces');
    await beat();
    const run = await startUnder('workspaces', ['one', 'one'], true);
    const [first = ''] = await nodesOf(run, 1);
    await installation.kubectl(['cordon', first]);
    try {
      await succeed(run);
      expect(await nodesOf(run, 2)).toEqual([first, two.find((name) => name !== first)]);
    } finally {
      await installation.kubectl(['uncordon', first]);
      await drop(run);
    }
  });

  it('isolate-pipelinerun: each run has a node of its own, and one too many says that it waits', async () => {
    await setFlag('isolate-pipelinerun');
    const first = await startUnder('isolate-pipelinerun', [undefined, undefined, 'one']);
    const second = await startUnder('isolate-pipelinerun', [undefined, undefined, 'other']);
    const [of, ofSecond] = await Promise.all([nodesOf(first, 3), nodesOf(second, 3)]);
    expect([different(of), different(ofSecond), different([...of, ...ofSecond])]).toEqual([1, 1, 2]);
    const third = await startUnder('isolate-pipelinerun', [undefined]);
    const waiting = await bench.waitFor(third, ({ status }) => status?.childReferences !== undefined, seconds);
    await expect
      .poll(async () => (await podsOf(waiting))[0]?.status?.conditions?.find(({ type }) => type === 'PodScheduled'), {
        timeout: seconds * 1000,
        interval: 250,
      })
      .toMatchObject({ status: 'False', reason: 'Unschedulable' });
    // When a run has left its node there is room.
    await drop(first);
    expect(await nodesOf(third, 1)).toEqual([of[0]]);
    await Promise.all([drop(second), drop(third)]);
  });

  it('isolate-pipelinerun: a run has its node from its first task to its end', async () => {
    await setData('config-defaults', { [template]: 'imagePullSecrets: [{name: seen}]' });
    await setFlag('isolate-pipelinerun');
    await beat();
    const first = await startUnder('isolate-pipelinerun', [undefined, undefined], true);
    const [of = ''] = await nodesOf(first, 1);
    const other = await startUnder('isolate-pipelinerun', [undefined]);
    const third = await startUnder('isolate-pipelinerun', [undefined]);
    await Promise.all([nodesOf(other, 1), expect.poll(async () => (await podsOf(third)).length).toBe(1)]);
    // Between two tasks of the first nobody takes its node.
    await succeed(first);
    expect(await nodesOf(first, 2)).toEqual([of, of]);
    expect((await podsOf(third))[0]?.spec?.nodeName).toBeUndefined();
    await succeed(first);
    await bench.waitFor(first);
    const selector = `${selectorOf(first)},app.kubernetes.io/component=affinity-assistant`;
    const kept = async (...args: string[]) =>
      installation.kubectl(['--namespace', bench.namespace, ...args, 'pod', '--selector', selector]);
    expect(await kept('get', '--output', 'jsonpath={.items[*].metadata.deletionTimestamp}')).not.toBe('');
    expect(await kept('get', '--output', 'jsonpath={.items[*].spec.imagePullSecrets[*].name}')).toBe('seen');
    await kept('delete', '--force', '--grace-period=0');
    expect(await nodesOf(third, 1)).toEqual([of]);
    await Promise.all([first, other, third].map(drop));
  });
});
