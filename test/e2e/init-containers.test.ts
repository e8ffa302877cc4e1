import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { pods, type Pod } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { startMutatingWebhook, type MutatingWebhook } from './mutating-webhook.ts';
import { hostBeside } from './remote-servers.ts';
import { testCluster } from './setup.ts';
import { image, sh } from './shell-step.ts';

/** Runs that end before their steps: our own init container fails, or one that somebody's webhook adds to the pod. */
const bench = openWorkbench('init');
const label = 'test.tektite.dev/injected';
let installation: Installation;
let webhook: MutatingWebhook;

/** By the label of the run, which its pod has too. */
const injected: Record<string, object> = {
  failing: { command: ['sh', '-c', 'exit 5'] },
  hungry: {
    command: ['sh', '-c', 'head -c 200000000 /dev/zero | tail'],
    resources: { limits: { memory: '24Mi' } },
  },
};

beforeAll(async () => {
  installation = await Installation.open();
  const { cluster, registry } = await testCluster();
  const around = { cluster, host: hostBeside(registry), namespace: bench.namespace };
  webhook = await startMutatingWebhook(around, ({ resource, object }) => {
    const container = injected[object.metadata.labels?.[label] ?? ''];
    if (resource !== 'pods' || container === undefined) return undefined;
    return [{ op: 'add', path: '/spec/initContainers/-', value: { name: 'setup', image, ...container } }];
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

const idle: TaskRunSpec = { taskSpec: { steps: [sh('s', 'true')] } };
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
    const runs = Object.entries(rows).map(async ([name, { spec, inject }]) => {
      const labels: Record<string, string> = inject === undefined ? {} : { [label]: inject };
      started.set(name, await bench.startTask(spec, { generateName: 'task-', labels }));
    });
    await Promise.all(runs);
  });

  it.each(Object.entries(rows))('%s', async (name, { reason, message }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'False', reason, message });
  });
});
