import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { limitRanges, pods } from '../../src/kube/resources.ts';
import { openWorkbench, type Workbench } from './cluster.ts';
import { DyingNode, podTemplateForIt } from './dying-node.ts';
import { Installation } from './installation.ts';
import { image, sh } from './shell-step.ts';

/** What a node, its kubelet and the cluster's quotas do to runs, and that each run says so. */
const bench = openWorkbench('limits');
const withQuota = openWorkbench('quota');
const withRange = openWorkbench('range');
const quotas: Resource = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};

/** These take their time: they come first, and the others meanwhile. */
describe.concurrent('a run that outlives what holds it up', () => {
  let node: DyingNode;
  let installation: Installation;
  beforeAll(async () => {
    const { namespace } = withQuota;
    await withQuota.create(quotas, { metadata: { name: 'one-pod' }, spec: { hard: { pods: '1' } } } as KubeObject);
    const isCounted = async () =>
      expect(await withQuota.client.get(quotas, namespace, 'one-pod')).toMatchObject({
        status: { hard: { pods: '1' } },
      });
    await vi.waitFor(isCounted, { timeout: 20_000, interval: 100 });
  });
  beforeAll(async () => {
    installation = await Installation.open();
    node = new DyingNode(bench, installation);
  });
  afterAll(async () => {
    await node.end();
    await installation.close();
  });

  it('a quota is used up, until it frees', async () => {
    const spec = (script: string): TaskRunSpec => ({ taskSpec: { steps: [sh('x', script)] } });
    const first = await withQuota.startTask(spec('sleep 600'));
    // A pod of a first try may be going still.
    await withQuota.waitFor(first, ({ status }) => status?.podName !== undefined, 240);
    const second = await withQuota.startTask(spec('true'));
    const waiting = await withQuota.waitFor(
      second,
      ({ status }) => succeededCondition(status)?.reason === 'ExceededResourceQuota',
    );
    expect(succeededCondition(waiting.status)?.message).toMatch(
      /^TaskRun Pod exceeded available resources: pods ".*-pod" is forbidden: exceeded quota: one-pod, requested: pods=1, used: pods=1, limited: pods=1$/,
    );
    // Its time does not run meanwhile.
    expect(waiting.status?.startTime).toBeUndefined();
    await withQuota.tektite('taskrun', 'cancel', first.metadata.name ?? '');
    expect(succeededCondition((await withQuota.waitFor(second, undefined, 240)).status)).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
    });
  });

  it('a node that dies fails the run, with what became of its pod, and a retry goes to one that lives', async () => {
    await node.begin();
    const taskSpec = { steps: [{ name: 'work', image, command: ['true'] }] };
    const started = await bench.startTask({ retries: 1, podTemplate: podTemplateForIt, taskSpec });
    const run = await bench.waitFor(started, ({ status }) => status?.podName !== undefined);
    const podName = run.status?.podName ?? '';
    await node.lastWords(podName, 'step-work');
    await bench.waitFor(run, ({ status }) => status?.steps?.[0]?.running !== undefined);
    await node.missed(podName);
    const told = await bench.waitFor(run, ({ status }) => /;/.test(succeededCondition(status)?.message ?? ''));
    expect(succeededCondition(told.status)).toMatchObject({
      status: 'Unknown',
      reason: 'Running',
      message:
        'Not all Steps in the Task have finished executing; the cluster takes the pod away: DeletionByTaintManager: Taint manager: deleting due to NoExecute taint',
    });
    await node.switchedOff();
    const ended = await bench.waitFor(run, undefined, 120);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
    expect(ended.status?.retriesStatus).toMatchObject([
      {
        conditions: [
          {
            status: 'False',
            reason: 'Failed',
            message: expect.stringMatching(/^the cluster took the pod away: DeletionBy\w+: /) as string,
          },
        ],
      },
    ]);
  });
});

interface Row {
  spec: TaskRunSpec;
  reason: string;
  /** NAME stands for the run's name. */
  message: string | RegExp;
}

/** All of these run at the same time. */
const ends: Record<string, Row> = {
  'a step that needs more memory than it may have': {
    spec: {
      taskSpec: {
        steps: [
          { ...sh('eat', 'head -c 200000000 /dev/zero | tail'), computeResources: { limits: { memory: '24Mi' } } },
        ],
      },
    },
    reason: 'StepOOM',
    message: '"step-eat" exited with code 137: OOMKilled',
  },
  'a pod that the kubelet evicts': {
    spec: {
      taskSpec: {
        volumes: [{ name: 'small', emptyDir: { sizeLimit: '1Mi' } }],
        steps: [
          {
            ...sh('fill', 'head -c 8000000 /dev/zero > /small/file; sleep 600'),
            volumeMounts: [{ name: 'small', mountPath: '/small' }],
          },
        ],
      },
    },
    reason: 'PodEvicted',
    message: /^Usage of EmptyDir volume "small" exceeds the limit "1Mi"\. ?$/,
  },
  'a container that cannot be made': {
    spec: {
      taskSpec: {
        steps: [
          {
            ...sh('odd', 'true'),
            securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'none' } },
          },
        ],
      },
    },
    reason: 'PodCreationFailed',
    message: /^the step "odd" in TaskRun "NAME" failed to start\. The pod errored with the message: ".*seccomp.*\."$/,
  },
  'a container whose configuration names what is not there': {
    spec: { taskSpec: { steps: [{ ...sh('odd', 'true'), envFrom: [{ configMapRef: { name: 'none' } }] }] } },
    reason: 'CreateContainerConfigError',
    message: 'Failed to create pod due to config error: container "step-odd": configmap "none" not found',
  },
  'a result that is too large': {
    spec: {
      taskSpec: {
        results: [{ name: 'small' }, { name: 'big' }],
        steps: [
          sh('write', 'printf x > $(results.small.path); head -c 5000 /dev/zero | tr "\\0" x > $(results.big.path)'),
        ],
      },
    },
    reason: 'TaskRunResultLargerThanAllowedLimit',
    message:
      /^"step-write" exited with code 1: its results do not fit its termination message: .*"big".*5000.*4096.*; write less, or hand large data on in a workspace$/,
  },
};

describe.concurrent('a run ends and says why', () => {
  const started = new Map<string, TaskRun>();
  beforeAll(async () => {
    const runs = Object.entries(ends).map(async ([name, { spec }]) => started.set(name, await bench.startTask(spec)));
    await Promise.all(runs);
  });
  it.each(Object.entries(ends))('%s', async (name, { reason, message }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const condition = succeededCondition((await bench.waitFor(run, undefined, 240)).status);
    expect(condition).toMatchObject({ status: 'False', reason });
    const said = condition?.message?.replaceAll(run.metadata.name ?? '', 'NAME');
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });
});

describe.concurrent('a run that waits says what for', () => {
  const noVolume = { persistentVolumeClaim: { claimName: 'none' } };
  const bound = (binding: object): TaskRunSpec => ({
    workspaces: [{ name: 'data', ...binding }],
    taskSpec: { workspaces: [{ name: 'data' }], steps: [sh('x', 'true')] },
  });
  it.each<[string, TaskRunSpec, string, RegExp]>([
    [
      'no node fits',
      { podTemplate: { nodeSelector: { disk: 'none' } }, taskSpec: { steps: [sh('x', 'true')] } },
      'Pending',
      /^pod status "PodScheduled":"False"; message: "0\/\d+ nodes are available: .*node\(s\) didn't match Pod's node affinity\/selector/,
    ],
    [
      'no node is large enough',
      { computeResources: { requests: { cpu: '4000' } }, taskSpec: { steps: [sh('x', 'true')] } },
      'ExceededNodeResources',
      /^TaskRun Pod exceeded available resources$/,
    ],
    [
      'a claim is not there',
      bound(noVolume),
      'Pending',
      /^pod status "PodScheduled":"False"; message: ".*persistentvolumeclaim \\"none\\" not found/,
    ],
    [
      'a volume cannot be mounted',
      bound({ secret: { secretName: 'none' } }),
      'Pending',
      /^the pod has not started yet: .*MountVolume\.SetUp failed for volume .*secret "none" not found/,
    ],
    [
      'an image cannot be pulled',
      { taskSpec: { steps: [{ name: 'x', image: 'docker.io/library/no-such-image:2', command: ['true'] }] } },
      'PullImageFailed',
      /^build step "step-x" is pending with reason ".*no-such-image:2/,
    ],
  ])('%s', async (_name, spec, reason, message) => {
    const run = await bench.startTask(spec);
    const waiting = await bench.waitFor(run, ({ status }) => message.test(succeededCondition(status)?.message ?? ''));
    expect(succeededCondition(waiting.status)).toMatchObject({ status: 'Unknown', reason });
    await bench.tektite('taskrun', 'cancel', run.metadata.name ?? '');
  });
});

const requestsOf = async (at: Workbench, run: TaskRun) =>
  (await at.client.get(pods, at.namespace, run.status?.podName ?? '')).spec?.containers.map(
    ({ resources }) => resources?.requests,
  );

it("a run's stepSpecs and sidecarSpecs are what its containers ask for, in place of the Task's", async () => {
  const asks = (cpu: string) => ({ computeResources: { requests: { cpu } } });
  const run = await bench.runTask({
    taskSpec: {
      steps: [{ ...sh('a', 'true'), ...asks('1m') }, sh('b', 'true')],
      sidecars: [{ ...sh('server', 'trap exit TERM; sleep 3600 & wait'), ...asks('2m') }],
    },
    stepSpecs: [{ name: 'a', ...asks('11m') }],
    sidecarSpecs: [{ name: 'server', ...asks('12m') }],
  });
  expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
  const { spec } = await bench.client.get(pods, bench.namespace, run.status?.podName ?? '');
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const requests = Object.fromEntries(containers.map(({ name, resources }) => [name, resources?.requests]));
  expect(requests).toMatchObject({
    'step-a': { cpu: '11m' },
    'step-b': undefined,
    'sidecar-server': { cpu: '12m' },
  });
});

describe.concurrent('a LimitRange', () => {
  beforeAll(async () => {
    const limits = [
      {
        type: 'Container',
        defaultRequest: { cpu: '100m', memory: '64Mi' },
        min: { memory: '48Mi' },
        max: { memory: '1Gi' },
      },
    ];
    await withRange.create(limitRanges, { metadata: { name: 'range' }, spec: { limits } });
  });

  it('its default request is shared by the steps, above its minimum', async () => {
    const run = await withRange.runTask({
      taskSpec: { steps: [sh('a', 'true'), { ...sh('b', 'true'), computeResources: { requests: { cpu: '20m' } } }] },
    });
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
    expect(await requestsOf(withRange, run)).toEqual([
      { cpu: '50m', memory: '50331648' },
      { cpu: '20m', memory: '50331648' },
    ]);
  });
});
