import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { isDone, succeededCondition } from '../core/condition.ts';
import { container, settingsOf } from '../core/pod/pod.fake.ts';
import type { PodStatus } from '../core/pod/types.ts';
import { wholeLeadership } from '../kube/buckets.ts';
import { FakeKubeClient } from '../kube/client.fake.ts';
import type { KubeClient } from '../kube/client.ts';
import { runController } from '../kube/controller.ts';
import { EventRecorder } from '../kube/events.ts';
import { pods, serviceAccounts } from '../kube/resources.ts';
import { Watchdog } from '../kube/watchdog.ts';
import { silentLogger } from '../log.ts';
import { Caches } from './caches.ts';
import { parseControllerFlags } from './flags.ts';
import { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { makeReconcilers, type ReconcilerSurroundings } from './reconcilers.ts';

const runs = taskRuns;
const pipelines = pipelineRuns;
const nop = settingsOf().images.nop;
const steps = [{ name: 'one', image: 'x', command: ['y'] }];

/** The controller's reconcilers, queues and caches over an API server in memory: nobody calls a reconciler by hand. */
let client: FakeKubeClient;
let stop: AbortController;
let running: Promise<unknown>;
let reconciles: number;

beforeEach(async () => {
  client = new FakeKubeClient();
  client.seed(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } });
  stop = new AbortController();
  reconciles = 0;
  const leadership = wholeLeadership();
  const caches = new Caches(client as unknown as KubeClient, { namespaces: [] }, silentLogger);
  const controllers = makeReconcilers({
    client,
    caches,
    leaders: { taskRun: leadership, pipelineRun: leadership, resolutionRequest: leadership },
    settings: { current: () => settingsOf() },
    events: new EventRecorder({ client, component: 'test', log: silentLogger }),
    flags: parseControllerFlags(['--entrypoint-image=e', '--nop-image=n'], {}),
    watchdog: new Watchdog(silentLogger),
    queueMetrics: new QueueMetricsRegistry(new Registry()),
    log: silentLogger,
    end: stop.signal,
  } as unknown as ReconcilerSurroundings);
  const counted = controllers.map((controller) => ({
    ...controller,
    metrics: { reconciled: () => (reconciles += 1) },
  }));
  running = Promise.all([caches.run(stop.signal), ...counted.map((one) => runController(one, stop.signal))]);
  await caches.synced(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await running;
});

const taskRun = (spec: TaskRunSpec, name = 'run'): Promise<TaskRun> =>
  client.create(runs, { metadata: { name, namespace: 'ns' }, spec });
const condition = async (name = 'run') => {
  const found = succeededCondition((await client.get(runs, 'ns', name)).status);
  return `${found?.status} ${found?.reason}`;
};
const podOf = (name = 'run-pod') => client.get(pods, 'ns', name).catch(() => undefined);

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 15_000 });

/** The kubelet's doing. */
async function podBecomes(status: PodStatus, name = 'run-pod'): Promise<void> {
  await eventually(() => podOf(name)).toBeDefined();
  await client.patch(pods, 'ns', name, { type: 'merge', body: { status }, subresource: 'status' });
}

describe('wake-ups', () => {
  it('a run goes from its pod to its end', async () => {
    await taskRun({ taskSpec: { steps } });
    await podBecomes({ phase: 'Succeeded', containerStatuses: [container.ended('step-one')] });
    await eventually(() => condition()).toBe('True Succeeded');
  });

  it('sidecars are stopped when the steps have ended, and their end is noted', async () => {
    await taskRun({ taskSpec: { steps, sidecars: [{ name: 's', image: 'nginx' }] } });
    await podBecomes({
      phase: 'Running',
      containerStatuses: [container.ended('step-one'), container.running('sidecar-s')],
    });
    await eventually(() => condition()).toBe('True Succeeded');
    const imageOf = async () => (await podOf())?.spec?.containers.find(({ name }) => name === 'sidecar-s')?.image;
    await eventually(imageOf).toBe(nop);
    await podBecomes({
      phase: 'Succeeded',
      containerStatuses: [container.ended('step-one'), container.ended('sidecar-s')],
    });
    const noted = async () => (await client.get(runs, 'ns', 'run')).status?.sidecars?.[0]?.terminated;
    await eventually(noted).toBeDefined();
    // Nothing of the status was lost, though the cache keeps little of a run that is over.
    expect((await client.get(runs, 'ns', 'run')).status).toMatchObject({
      taskSpec: { steps: [{ name: 'one' }] },
      steps: [{}],
    });
  });

  it('a failed attempt is followed by the next', async () => {
    await taskRun({ taskSpec: { steps }, retries: 1 });
    await podBecomes({ phase: 'Failed', containerStatuses: [container.ended('step-one', 1)] });
    await podBecomes({ phase: 'Succeeded', containerStatuses: [container.ended('step-one')] }, 'run-pod-retry1');
    await eventually(() => condition()).toBe('True Succeeded');
  });

  it('a user cancels a run', async () => {
    await taskRun({ taskSpec: { steps } });
    await podBecomes({ phase: 'Running', containerStatuses: [container.running('step-one')] });
    await client.patch(runs, 'ns', 'run', { type: 'merge', body: { spec: { status: 'TaskRunCancelled' } } });
    await eventually(() => condition()).toBe('False TaskRunCancelled');
    await eventually(() => podOf()).toBeUndefined();
  });

  it.each<[string, { isBusy: boolean }, string[]]>([
    ['each state of a pod is told', { isBusy: false }, ['Pending', 'Running', 'Succeeded']],
    ['under load only a state that stays is told', { isBusy: true }, ['Pending', 'Succeeded']],
  ])('%s', async (_name, load, told) => {
    Object.assign(client, load);
    client.creationTimestamp = new Date().toISOString();
    const written = () =>
      client.calls
        .filter(
          ({ verb, resource, subresource }) => verb === 'update' && resource === 'taskruns' && subresource === 'status',
        )
        .map(({ body }) => succeededCondition((body as TaskRun).status)?.reason);
    await taskRun({ taskSpec: { steps } });
    await eventually(written).toContain('Pending');
    const begins = podBecomes({ phase: 'Running', containerStatuses: [container.running('step-one')] });
    if (!load.isBusy) await eventually(written).toContain('Running');
    // Under load without a pause in which half a second could go by.
    const ends = podBecomes({ phase: 'Succeeded', containerStatuses: [container.ended('step-one')] });
    await Promise.all([begins, ends]);
    await eventually(written).toEqual(told);
  });

  it('under load a state that stays is told a little later', async () => {
    Object.assign(client, { isBusy: true });
    await taskRun({ taskSpec: { steps } });
    await podBecomes({ phase: 'Running', containerStatuses: [container.running('step-one')] });
    await eventually(() => condition()).toBe('Unknown Running');
  });

  it('a PipelineRun goes from task to task, with few looks at it', async () => {
    const tasks = ['a', 'b', 'c'].map((name, i, all) => ({
      name,
      taskSpec: { steps },
      ...(i > 0 ? { runAfter: [all[i - 1] ?? ''] } : {}),
    }));
    await client.create(pipelines, { metadata: { name: 'pr', namespace: 'ns' }, spec: { pipelineSpec: { tasks } } });
    for (const { name } of tasks)
      await podBecomes({ phase: 'Succeeded', containerStatuses: [container.ended('step-one')] }, `pr-${name}-pod`);
    await eventually(async () => isDone((await client.get(pipelines, 'ns', 'pr')).status)).toBe(true);
    // Each of the three tasks: it, its pod's making and end; its PipelineRun when it begins and ends.
    expect(reconciles).toBeLessThanOrEqual(24);
  });
});
