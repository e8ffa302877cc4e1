import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, pods, type Pod } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { startMutatingWebhook, type MutatingWebhook } from './mutating-webhook.ts';
import { hostBeside } from './remote-servers.ts';
import { testCluster } from './setup.ts';
import { image, sh } from './shell-step.ts';

/** What becomes of runs to whose pods a webhook adds containers; and of those whose own init container fails. */
const bench = openWorkbench('injected');
const label = 'test.tektite.dev/injected';
let installation: Installation;
let webhook: MutatingWebhook;

/** Where a container goes in the pod, by the label of the run, which its pod has too. */
const injected: Record<string, { list: 'initContainers' | 'containers'; container: object }> = {
  failing: { list: 'initContainers', container: { command: ['sh', '-c', 'exit 5'] } },
  hungry: {
    list: 'initContainers',
    container: {
      command: ['sh', '-c', 'head -c 200000000 /dev/zero | tail'],
      resources: { limits: { memory: '24Mi' } },
    },
  },
  unready: {
    list: 'containers',
    container: { command: ['sleep', '600'], readinessProbe: { exec: { command: ['false'] }, periodSeconds: 1 } },
  },
};
const idle: TaskRunSpec = { taskSpec: { steps: [sh('s', 'true')] } };
const start = (spec: TaskRunSpec, what?: string): Promise<TaskRun> =>
  bench.startTask(spec, { generateName: 'task-', labels: what === undefined ? {} : { [label]: what } });

beforeAll(async () => {
  installation = await Installation.open();
  const { cluster, registry } = await testCluster();
  const around = { cluster, host: hostBeside(registry), namespace: bench.namespace };
  webhook = await startMutatingWebhook(around, ({ resource, object }) => {
    const one = injected[object.metadata.labels?.[label] ?? ''];
    if (resource !== 'pods' || one === undefined) return undefined;
    return [{ op: 'add', path: `/spec/${one.list}/-`, value: { name: 'setup', image, ...one.container } }];
  });
  await installation.kubectl(['create', '--filename', '-'], JSON.stringify(webhook.configuration));
  await vi.waitFor(isAsked, { timeout: 30_000, interval: 100 });
});
afterAll(async () => {
  await installation.kubectl(
    ['delete', '--ignore-not-found', '--filename', '-'],
    JSON.stringify(webhook.configuration),
  );
  await webhook.close();
  await installation.close();
});

/** The API server asks a webhook a moment after it was told of it. */
async function isAsked(): Promise<void> {
  const metadata = { generateName: 'probe-', namespace: bench.namespace, labels: { [label]: 'failing' } };
  const pod: Pod = { metadata, spec: { initContainers: [{ name: 'a', image }], containers: [{ name: 'b', image }] } };
  const made = await bench.client.create(pods, pod, { dryRun: true });
  expect(made.spec?.initContainers).toHaveLength(2);
}

interface Row {
  spec: TaskRunSpec;
  inject?: string;
  reason: string;
  message: string;
}

/** All of these run at the same time. */
const rows: Record<string, Row> = {
  'a working directory whose name is too long': {
    spec: { taskSpec: { steps: [{ ...sh('s', 'true'), workingDir: 'x'.repeat(300) }] } },
    reason: 'InitContainerFailed',
    message: 'init container failed, "prepare" exited with code 1: Error',
  },
  'an init container that fails': {
    spec: idle,
    inject: 'failing',
    reason: 'InitContainerFailed',
    message: 'init container failed, "setup" exited with code 5: Error',
  },
  'an init container that needs more memory than it may have': {
    spec: idle,
    inject: 'hungry',
    reason: 'InitContainerOOM',
    message: 'init container failed, "setup" exited with code 137: OOMKilled',
  },
};

describe('a run whose steps never begin', () => {
  const started = new Map<string, TaskRun>();
  beforeAll(async () => {
    const runs = Object.entries(rows).map(async ([name, { spec, inject }]) =>
      started.set(name, await start(spec, inject)),
    );
    await Promise.all(runs);
  });

  it.each(Object.entries(rows))('%s', async (name, { reason, message }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'False', reason, message });
  });
});

describe('a container that is never ready beside the steps', () => {
  const flag = 'running-in-environment-with-injected-sidecars';
  const setFlag = (value: string | null) =>
    bench.client.patch(configMaps, systemNamespace, 'feature-flags', {
      type: 'merge',
      body: { data: { [flag]: value } },
    });
  afterAll(() => setFlag(null));

  it('is waited for, and the condition says so', async () => {
    const run = await bench.waitFor(await start(idle, 'unready'), ({ status }) =>
      /the steps wait for "setup" to be ready/.test(succeededCondition(status)?.message ?? ''),
    );
    expect(succeededCondition(run.status)).toMatchObject({ status: 'Unknown', reason: 'Running' });
    await bench.tektite('taskrun', 'cancel', run.metadata.name ?? '');
  });

  it(`is not where ${flag} is false`, async () => {
    await setFlag('false');
    const seen = async () =>
      (await bench.runTask(idle)).status?.provenance?.featureFlags?.['runningInEnvWithInjectedSidecars'];
    await expect.poll(seen, { timeout: 30_000 }).toBeUndefined();
    const ended = await bench.waitFor(await start(idle, 'unready'));
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
  });
});
