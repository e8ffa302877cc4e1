import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, pods } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { testCluster } from './setup.ts';
import { image, sh } from './shell-step.ts';

/** What a node does with the fields and flags that are off unless an operator turns them on. */
const bench = openWorkbench('alpha');
const succeeded = { status: 'True', reason: 'Succeeded', message: 'All Steps have completed executing' };
const hermetic = { 'experimental.tekton.dev/execution-mode': 'hermetic' };
const flags: Record<string, string> = {
  'enable-api-fields': 'alpha',
  'enable-artifacts': 'true',
  'enable-kubernetes-sidecar': 'true',
  'enable-termination-message-compression': 'true',
  'keep-pod-on-cancel': 'true',
};
let installation: Installation;
let registry: string;

async function setFlags(data: Record<string, string | null>): Promise<void> {
  await bench.client.patch(configMaps, systemNamespace, 'feature-flags', { type: 'merge', body: { data } });
}

/** Runs say which flags they were run with; the webhook, which has its own eyes, lets a run with debug through. */
async function inEffect(): Promise<unknown> {
  const spec = { debug: { breakpoints: { beforeSteps: [] } }, taskSpec: { steps: [{ image, command: ['true'] }] } };
  const started = await bench.startTask(spec).catch(() => undefined);
  if (started === undefined) return undefined;
  const seen = await bench.waitFor(started, ({ status }) => status?.provenance !== undefined);
  return seen.status?.provenance?.featureFlags;
}

beforeAll(async () => {
  installation = await Installation.open();
  ({ registry } = await testCluster());
  await setFlags(flags);
  const all = { enableAPIFields: 'alpha', enableKeepPodOnCancel: true, enableKubernetesSidecar: true };
  await vi.waitFor(async () => expect(await inEffect()).toMatchObject(all), { timeout: 30_000, interval: 200 });
});
afterAll(async () => {
  await setFlags(Object.fromEntries(Object.keys(flags).map((flag) => [flag, null])));
  await installation.close();
});

const podOf = (run: TaskRun) => bench.client.get(pods, bench.namespace, run.status?.podName ?? '');

async function logOf(run: TaskRun, step: string): Promise<string> {
  const path = `/api/v1/namespaces/${bench.namespace}/pods/${run.status?.podName}/log`;
  return bench.client.raw('GET', path, { accept: '*/*', query: { container: `step-${step}` } }).catch(String);
}

describe.concurrent('debug: a step waits at its breakpoint until someone types', () => {
  const rows = [
    {
      script: 'debug-continue',
      breakpoints: { onFailure: 'enabled' },
      condition: succeeded,
      steps: [{ terminationReason: 'Completed' }, { terminationReason: 'Completed' }],
    },
    {
      script: 'debug-fail-continue',
      breakpoints: { onFailure: 'enabled' },
      condition: { status: 'False', reason: 'StepFailed', message: '"step-stop" exited with code 1: Error' },
      steps: [{ terminated: { exitCode: 1 } }, { terminated: { exitCode: 0 } }],
    },
    {
      script: 'debug-beforestep-continue',
      breakpoints: { beforeSteps: ['stop'] },
      // It runs then, and fails as it is.
      condition: { status: 'False', reason: 'StepFailed', message: '"step-stop" exited with code 3: Error' },
      steps: [{ terminated: { exitCode: 3 } }, { terminationReason: 'Skipped' }],
    },
    {
      script: 'debug-beforestep-fail-continue',
      breakpoints: { beforeSteps: ['stop'] },
      condition: { status: 'False', reason: 'StepFailed', message: '"step-stop" exited with code 1: Error' },
      steps: [{ terminated: { exitCode: 1 } }, { terminationReason: 'Skipped' }],
    },
  ];
  it.each(rows)('$script', async ({ script, breakpoints, condition, steps }) => {
    const spec = { debug: { breakpoints }, taskSpec: { steps: [sh('stop', 'echo ran; exit 3'), sh('next', 'true')] } };
    const run = await bench.waitFor(await bench.startTask(spec), ({ status }) => status?.podName !== undefined);
    const asked = async () => expect(await logOf(run, 'stop')).toContain(`cmd: /tekton/debug/scripts/${script}`);
    await vi.waitFor(asked, { timeout: 60_000, interval: 100 });
    const inStep = ['exec', run.status?.podName ?? '', '--container', 'step-stop', '--'];
    await installation.kubectl(['--namespace', bench.namespace, ...inStep, `/tekton/debug/scripts/${script}`]);
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject(condition);
    expect(ended.status?.steps).toMatchObject(steps);
    // What is told to fail before it runs does not run.
    expect((await logOf(run, 'stop')).includes('ran\n')).toBe(script !== 'debug-beforestep-fail-continue');
  });
});

interface Row {
  spec: TaskRunSpec;
  annotations?: Record<string, string>;
  /** How it ends; without one, well. */
  condition?: object;
  status: object;
}

/** What interfaces there are, and whether the registry can be reached. Bash connects by itself. */
const network = (): TaskRunSpec => ({
  taskSpec: {
    results: [{ name: 'interfaces' }, { name: 'registry' }],
    steps: [
      {
        name: 'look',
        image: 'docker.io/library/bash:5.2',
        script: `#!/usr/bin/env bash
sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev | sort | tr '\\n' ' ' > $(results.interfaces.path)
if timeout 5 bash -c ': < /dev/tcp/${registry.replace(':', '/')}'; then printf yes; else printf no; fi > $(results.registry.path)
`,
      },
    ],
  },
});

const output = { name: 'image', values: [{ uri: 'pkg:oci/app', digest: { sha256: 'b'.repeat(64) } }] };
const provenance = JSON.stringify({ outputs: [output] });
/** Built when they are started: by then the registry is known. */
const rows: Record<string, () => Row> = {
  'hermetic: the step has no network but its own loopback': () => ({
    spec: network(),
    annotations: hermetic,
    status: { results: [{ value: 'lo ' }, { value: 'no' }] },
  }),
  'not hermetic: the same step reaches the registry': () => ({
    spec: network(),
    status: { results: [{ value: expect.stringMatching(/^eth0 lo $/) as string }, { value: 'yes' }] },
  }),
  'stdout and stderr are copied to files, which may be results': () => ({
    spec: {
      taskSpec: {
        results: [{ name: 'said' }, { name: 'complained' }],
        volumes: [{ name: 'shared', emptyDir: {} }],
        steps: [
          {
            ...sh('say', 'echo out; echo err >&2'),
            stdoutConfig: { path: '$(results.said.path)' },
            stderrConfig: { path: '/shared/deep/err' },
            volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
          },
          {
            ...sh('read', 'cat /shared/deep/err > $(results.complained.path)'),
            volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
          },
        ],
      },
    },
    status: {
      results: [
        { name: 'said', value: 'out\n' },
        { name: 'complained', value: 'err\n' },
      ],
    },
  }),
  'artifacts of a step and of the run': () => ({
    spec: {
      taskSpec: {
        steps: [
          sh('make', `printf '${provenance}' > $(step.artifacts.path)`),
          sh('use', `printf '${provenance.replace('app', 'all')}' > $(artifacts.path)`),
        ],
      },
    },
    status: {
      steps: [{ outputs: [output] }, {}],
      artifacts: { outputs: [{ name: 'image', values: [{ uri: 'pkg:oci/app' }, { uri: 'pkg:oci/all' }] }] },
    },
  }),
  'a native sidecar: up before the steps, gone after them': () => ({
    spec: {
      taskSpec: {
        volumes: [{ name: 'shared', emptyDir: {} }],
        sidecars: [
          {
            ...sh('server', 'trap exit TERM; sleep 1; echo up > /shared/up; sleep 3600 & wait'),
            volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
            startupProbe: { exec: { command: ['test', '-f', '/shared/up'] }, periodSeconds: 1 },
          },
        ],
        steps: [{ ...sh('use', 'cat /shared/up'), volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }],
      },
    },
    status: { sidecars: [{ name: 'server', container: 'sidecar-server' }] },
  }),
  'a native sidecar that needs more memory than it may have, and whose steps had no server': () => ({
    spec: {
      taskSpec: {
        sidecars: [
          {
            ...sh('server', 'sleep 1; head -c 200000000 /dev/zero | tail; exit 137'),
            computeResources: { limits: { memory: '24Mi' } },
          },
        ],
        steps: [sh('use', 'sleep 5; exit 1')],
      },
    },
    condition: {
      status: 'False',
      reason: 'SidecarOOM',
      message: 'init container failed, "sidecar-server" exited with code 137: OOMKilled',
    },
    status: { sidecars: [{ name: 'server', container: 'sidecar-server' }] },
  }),
};

describe('runs with alpha fields, all at once', () => {
  const started = new Map<string, [Row, TaskRun]>();
  beforeAll(async () => {
    const runs = Object.entries(rows).map(async ([name, row]) => {
      const { spec, annotations = {} } = row();
      started.set(name, [row(), await bench.startTask(spec, { generateName: 'task-', annotations })]);
    });
    await Promise.all(runs);
  });

  it.each(Object.keys(rows))('%s', async (name) => {
    const [row, run] = started.get(name) ?? [];
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 120);
    expect(succeededCondition(ended.status)).toMatchObject(row?.condition ?? succeeded);
    expect(ended.status).toMatchObject(row?.status ?? {});
  });

  it('a native sidecar is an init container that its pod does not wait for', async () => {
    const [, run] = started.get('a native sidecar: up before the steps, gone after them') ?? [];
    if (run === undefined) throw new Error('it was not started');
    const ended = await bench.waitFor(run, ({ status }) => status?.sidecars?.[0]?.terminated !== undefined);
    expect((await podOf(ended)).spec?.initContainers).toMatchObject([
      { name: 'prepare' },
      { name: 'sidecar-server', restartPolicy: 'Always' },
    ]);
  });
});

it('what a task made is told to the next one', async () => {
  const taskSpec = { steps: [sh('make', `printf '${provenance}' > $(step.artifacts.path)`)] };
  const told = {
    results: [{ name: 'seen' }],
    steps: [
      { ...sh('see', 'printf "%s" "$MADE" > $(results.seen.path)'), env: [{ name: 'MADE', value: '$(params.made)' }] },
    ],
  };
  const run = await bench.runPipeline({
    pipelineSpec: {
      tasks: [
        { name: 'make', taskSpec },
        {
          name: 'see',
          params: [{ name: 'made', value: '$(tasks.make.outputs.image)' }],
          taskSpec: { params: [{ name: 'made' }], ...told },
        },
      ],
      results: [{ name: 'seen', value: '$(tasks.see.results.seen)' }],
    },
  });
  expect(succeededCondition(run.status)?.message).toBe('Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0');
  expect(JSON.parse(String(run.status?.results?.[0]?.value))).toEqual(output.values);
});

it('a result that only fits compressed comes through', async () => {
  const script = 'head -c 9000 /dev/zero | tr "\\0" x > $(results.long.path)';
  const run = await bench.runTask({ taskSpec: { results: [{ name: 'long' }], steps: [sh('write', script)] } });
  expect(run.status?.results).toEqual([{ name: 'long', type: 'string', value: 'x'.repeat(9000) }]);
  const [container] = (await podOf(run)).status?.containerStatuses ?? [];
  expect(container?.state?.terminated?.message).toMatch(/^tknz:/);
});

describe.concurrent('keep-pod-on-cancel', () => {
  it.each([
    ['a cancelled run', 'TaskRunCancelled', {}],
    ['a run that takes too long', 'TaskRunTimeout', { timeout: '15s' }],
  ])('%s keeps its pod, whose step is killed, and its log', async (_name, reason, more) => {
    const started = await bench.startTask({ taskSpec: { steps: [sh('wait', 'echo here; sleep 600')] }, ...more });
    const name = started.metadata.name ?? '';
    const run = await bench.waitFor(started, ({ status }) => status?.steps?.some((step) => step.running) ?? false);
    const isCancelled = reason === 'TaskRunCancelled';
    if (isCancelled) expect((await bench.tektite('taskrun', 'cancel', name)).status).toBe(0);
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject({
      status: 'False',
      reason,
      message: isCancelled ? `TaskRun "${name}" was cancelled. ` : `TaskRun "${name}" failed to finish within "15s"`,
    });
    expect(ended.status?.steps?.[0]).toMatchObject({
      terminationReason: reason,
      terminated: { exitCode: 1, reason, message: `Step wait terminated as pod ${run.status?.podName} is terminated` },
    });
    const killed = { exitCode: 9, message: expect.stringContaining('"Cancelled"') as string };
    const isKilled = async () =>
      expect((await podOf(ended)).status?.containerStatuses?.[0]?.state?.terminated).toMatchObject(killed);
    await vi.waitFor(isKilled, { timeout: 20_000, interval: 100 });
    expect((await podOf(ended)).metadata.annotations).toMatchObject({ 'tekton.dev/cancel': 'CANCEL' });
    expect(await logOf(ended, 'wait')).toContain('here\n');
  });
});
