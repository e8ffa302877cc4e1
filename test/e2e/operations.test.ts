import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { configMaps } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import {
  controllerSelector,
  Installation,
  controllerPods,
  scrape,
  sum,
  throughProxy,
  type Samples,
} from './installation.ts';

/** What an operator sees of a running controller: probes, metrics, logs and the effect of ConfigMaps. */
const image = 'docker.io/library/busybox:1.36';
const prefix = 'tekton_pipelines_controller_';
const bench = openWorkbench('operations');
const echo = { name: 'say', image, command: ['echo', 'hi'] };
const fail = { name: 'break', image, command: ['false'] };
const sleep = { name: 'wait', image, command: ['sleep', '600'] };
const running = (run: TaskRun) => run.status?.steps?.some((step) => step.running) ?? false;
const childOf = (run: PipelineRun) => (run.status?.childReferences?.length ?? 0) > 0;
const pipelineOf = (step: object): PipelineRun['spec'] => ({
  pipelineSpec: { tasks: [{ name: 'only', taskSpec: { steps: [step] } }] },
});
let installation: Installation;

beforeAll(async () => {
  installation = await Installation.open();
});
afterAll(() => installation.close());

async function patchData(map: string, data: Record<string, string | null>): Promise<void> {
  await bench.client.patch(configMaps, systemNamespace, map, { type: 'merge', body: { data } });
}

async function runAndCancel(): Promise<void> {
  const taskRun = await bench.waitFor(await bench.startTask({ taskSpec: { steps: [sleep] } }), running);
  await bench.tektite('taskrun', 'cancel', taskRun.metadata.name ?? '');
  await bench.waitFor(taskRun);
  const pipelineRun = await bench.waitFor(await bench.startPipeline(pipelineOf(sleep)), childOf);
  await bench.tektite('pipelinerun', 'cancel', pipelineRun.metadata.name ?? '');
  await bench.waitFor(pipelineRun);
}

/** Spares the test a minute: the run is told that it began so long ago, by who may write its status. */
async function startedEarlier(name: string, seconds: number): Promise<void> {
  const startTime = new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  const controller = `system:serviceaccount:${systemNamespace}:tekton-pipelines-controller`;
  const patch = [
    'patch',
    'taskrun',
    name,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status: { startTime } }),
  ];
  // kubectl reads before it patches, which the controller may not.
  const as = ['--as', controller, '--as-group', 'system:masters'];
  await installation.kubectl([...as, '--namespace', bench.namespace, ...patch]);
}

describe('probes', () => {
  it.each(['/health', '/readiness'])('%s answers ok on port 8080', async (path) => {
    for (const pod of await controllerPods(bench.client))
      expect(await throughProxy(bench.client, pod, 8080, path)).toBe('ok\n');
  });
});

describe('metrics', () => {
  let before: Samples;
  let after: Samples;
  const delta = (name: string, labels: Record<string, string> = {}) =>
    sum(after, name, labels) - sum(before, name, labels);

  beforeAll(async () => {
    before = await scrape(bench.client);
    await Promise.all([
      bench.runTask({ taskSpec: { steps: [echo] } }),
      bench.runTask({ taskSpec: { steps: [echo] } }),
      bench.runTask({ taskSpec: { steps: [fail] } }),
      bench.runPipeline(pipelineOf(echo)),
      bench.runPipeline(pipelineOf(echo)),
      bench.runPipeline(pipelineOf(fail)),
      runAndCancel(),
    ]);
    // The child of a cancelled run ends a moment after it.
    await vi.waitFor(
      async () => {
        after = await scrape(bench.client);
        expect(sum(after, `${prefix}running_taskruns`)).toBe(sum(before, `${prefix}running_taskruns`));
      },
      { timeout: 20_000, interval: 200 },
    );
  });

  // Every PipelineRun has one TaskRun of its own.
  it.each([
    ['success', 2],
    ['failed', 1],
    ['cancelled', 1],
  ] as const)('count %s runs once', (status, count) => {
    const namespace = bench.namespace;
    expect(delta(`${prefix}pipelinerun_total`, { status })).toBe(count);
    expect(delta(`${prefix}taskrun_total`, { status })).toBe(2 * count);
    // An embedded pipeline goes by its run's generateName.
    expect(delta(`${prefix}pipelinerun_duration_seconds_count`, { status, namespace, pipeline: 'pipeline' })).toBe(
      count,
    );
    expect(delta(`${prefix}taskrun_duration_seconds_count`, { status, namespace, task: 'anonymous' })).toBe(count);
    expect(delta(`${prefix}pipelinerun_taskrun_duration_seconds_count`, { status, namespace, task: 'only' })).toBe(
      count,
    );
  });

  it('tell how long runs took and how long pods waited', () => {
    const namespace = bench.namespace;
    expect(delta(`${prefix}taskrun_duration_seconds_sum`, { status: 'success', namespace })).toBeGreaterThan(0);
    expect(delta(`${prefix}taskrun_duration_seconds_bucket`, { status: 'success', namespace, le: '86400' })).toBe(2);
    // Pods of the cancelled runs are gone by then or not: 6 ran to their end.
    expect(delta(`${prefix}taskruns_pod_latency_milliseconds_count`, { namespace })).toBeGreaterThanOrEqual(6);
    expect(delta(`${prefix}taskruns_pod_latency_milliseconds_count`, { namespace })).toBeLessThanOrEqual(8);
  });

  it.each([
    'running_pipelineruns',
    'running_taskruns',
    'running_taskruns_throttled_by_quota',
    'running_taskruns_throttled_by_node',
    'running_pipelineruns_waiting_on_pipeline_resolution',
    'running_pipelineruns_waiting_on_task_resolution',
    'running_taskruns_waiting_on_task_resolution_count',
  ])('have %s, back where it was', (name) => {
    expect([...after.keys()].some((sample) => sample.startsWith(prefix + name))).toBe(true);
    expect(delta(prefix + name)).toBe(0);
  });

  it('count running runs while they run', async () => {
    const taskRun = await bench.startTask({ taskSpec: { steps: [sleep] } });
    const pipelineRun = await bench.startPipeline(pipelineOf(sleep));
    await bench.waitFor(pipelineRun, childOf);
    await expect
      .poll(
        async () => {
          const now = await scrape(bench.client);
          return [
            sum(now, `${prefix}running_taskruns`) - sum(after, `${prefix}running_taskruns`),
            sum(now, `${prefix}running_pipelineruns`) - sum(after, `${prefix}running_pipelineruns`),
          ];
        },
        { timeout: 10_000 },
      )
      .toEqual([2, 1]);
    await bench.tektite('taskrun', 'cancel', taskRun.metadata.name ?? '');
    await bench.tektite('pipelinerun', 'cancel', pipelineRun.metadata.name ?? '');
    await Promise.all([bench.waitFor(taskRun), bench.waitFor(pipelineRun)]);
  });

  it.each([
    ['kn_workqueue_adds_total', 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.Reconciler'],
    ['kn_workqueue_adds_total', 'github.com.tektoncd.pipeline.pkg.reconciler.pipelinerun.Reconciler'],
    ['kn_workqueue_process_duration_seconds_count', 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.Reconciler'],
    ['kn_workqueue_queue_duration_seconds_count', 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.Reconciler'],
  ])('of the queues: %s of %s grows', (metric, name) => {
    expect(delta(metric, { name })).toBeGreaterThan(0);
  });

  it.each([
    'kn_workqueue_depth',
    'kn_workqueue_unfinished_work_seconds',
    'kn_workqueue_longest_running_processor_seconds',
  ])('of the queues: %s is there for both', (metric) => {
    for (const kind of ['taskrun', 'pipelinerun']) {
      const name = `github.com.tektoncd.pipeline.pkg.reconciler.${kind}.Reconciler`;
      expect(
        [...after.keys()].filter((sample) => sample.startsWith(`${metric}{`) && sample.includes(`name="${name}"`)),
      ).not.toEqual([]);
    }
  });

  it.each([
    [`${prefix}taskrun_total`, 'tekton_pipelines_controller'],
    ['kn_workqueue_adds_total', 'knative.dev/pkg/observability/metrics/k8s'],
  ])('say of which meter they are: %s', (name, meter) => {
    expect(delta(name, { otel_scope_name: meter })).toBe(delta(name));
  });

  it('count requests to the API server', () => {
    expect(delta('http_client_request_duration_seconds_count')).toBeGreaterThan(10);
    expect(
      delta('kn_k8s_client_http_response_status_code_total', {
        http_request_method: 'POST',
        http_response_status_code: '201',
      }),
    ).toBeGreaterThan(0);
  });
});

describe('logs', () => {
  it('are JSON lines and tell each status of a PipelineRun at most 20 times', async () => {
    const run = await bench.runPipeline(pipelineOf(echo));
    const name = run.metadata.name ?? '';
    const text = await installation.kubectl([
      'logs',
      `--selector=${controllerSelector}`,
      '--container=tekton-pipelines-controller',
      '--tail=500',
    ]);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const line of lines) {
      expect(line).toMatchObject({
        severity: expect.stringMatching(/^(debug|info|warn|error|fatal)$/) as string,
        message: expect.any(String) as string,
        logger: 'tekton-pipelines-controller',
      });
      expect(new Date(String(line['timestamp'])).getTime()).not.toBeNaN();
    }
    const told = lines.filter((line) => String(line['message']).includes(`PipelineRun ${name} status is being set to`));
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(20);
    expect(new Set(told.map((line) => line['severity']))).toEqual(new Set(['info']));
  });
});

describe('a ConfigMap', () => {
  it('with a bad value is refused, with what to write instead', async () => {
    const said = await patchData('feature-flags', { 'keep-pod-on-cancel': 'perhaps' }).then(() => 'taken', String);
    expect(said).toMatch(/admission webhook "config\.webhook\.pipeline\.tekton\.dev" denied the request/);
    expect(said).toMatch(/keep-pod-on-cancel.*"perhaps".*use "true" or "false"/);
  });

  it('config-defaults takes effect at once, without a restart', async () => {
    const podsBefore = (await controllerPods(bench.client)).map((pod) => [
      pod.metadata.uid,
      pod.status?.containerStatuses?.[0]?.restartCount,
    ]);
    try {
      await patchData('config-defaults', {
        'default-timeout-minutes': '1',
        'default-managed-by-label-value': 'somebody-else',
      });
      // The controller sees the map within moments; until then runs have the defaults of before.
      await expect
        .poll(
          async () =>
            (await bench.runTask({ taskSpec: { steps: [echo] } })).metadata.labels?.['app.kubernetes.io/managed-by'],
          { timeout: 20_000, interval: 100 },
        )
        .toBe('somebody-else');
      const run = await bench.waitFor(await bench.startTask({ taskSpec: { steps: [sleep] } }), running);
      await startedEarlier(run.metadata.name ?? '', 61);
      expect(succeededCondition((await bench.waitFor(run)).status)).toMatchObject({
        reason: 'TaskRunTimeout',
        message: expect.stringContaining('failed to finish within "1m0s"') as string,
      });
      expect(
        (await controllerPods(bench.client)).map((pod) => [
          pod.metadata.uid,
          pod.status?.containerStatuses?.[0]?.restartCount,
        ]),
      ).toEqual(podsBefore);
    } finally {
      await patchData('config-defaults', { 'default-timeout-minutes': null, 'default-managed-by-label-value': null });
    }
  });

  it('with failed-step-log-lines has a failed run quote its log, where the controller may read that', async () => {
    const shout = { name: 'shout', image, command: ['sh', '-c', 'seq 7; exit 3'] };
    const message = async () =>
      succeededCondition((await bench.runTask({ taskSpec: { steps: [shout] } })).status)?.message;
    const failure = '"step-shout" exited with code 3: Error';
    const inNamespace = (...args: string[]) => installation.kubectl(['--namespace', bench.namespace, ...args]);
    const controller = `--serviceaccount=${systemNamespace}:tekton-pipelines-controller`;
    try {
      await patchData('feature-flags', { 'failed-step-log-lines': '2' });
      await expect
        .poll(message, { timeout: 20_000, interval: 100 })
        .toMatch(new RegExp(`^${failure}; its log could not be read: .*pods/log|forbidden.*rbac\\.podLogs`));
      await inNamespace('create', 'role', 'read-logs', '--verb=get', '--resource=pods/log');
      await inNamespace('create', 'rolebinding', 'read-logs', '--role=read-logs', controller);
      await expect
        .poll(message, { timeout: 20_000, interval: 100 })
        .toBe(`${failure}; the last lines of its log:\n6\n7`);
    } finally {
      await patchData('feature-flags', { 'failed-step-log-lines': null });
    }
  });

  it('pipelines-info is for everybody who is logged in, and the others are not', async () => {
    const as = ['--as=someone', '--as-group=system:authenticated'];
    expect(
      await installation.kubectl(['get', 'configmap', 'pipelines-info', '-o', 'jsonpath={.data.version}', ...as]),
    ).toMatch(/^v\d+\.\d+\.\d+/);
    await expect(installation.kubectl(['get', 'configmap', 'feature-flags', ...as])).rejects.toThrow(/forbidden/i);
  });
});
