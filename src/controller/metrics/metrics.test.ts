import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parseObservability } from '../../api/config/config-observability.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { PipelineRunMetrics, registerRunningPipelineRuns } from './pipeline-run.ts';
import { TaskRunMetrics, registerRunningTaskRuns } from './task-run.ts';

const config = (data: Record<string, string> = {}) => parseObservability(data).observability.metrics;

interface Given {
  name?: string;
  spec?: object;
  labels?: Record<string, string>;
  condition?: { status: 'True' | 'False' | 'Unknown'; reason: string };
}

function run({ name = 'run-1', spec = {}, labels = {}, condition = { status: 'True', reason: 'Succeeded' } }: Given) {
  return {
    metadata: { name, namespace: 'ns', labels },
    spec,
    status: {
      startTime: '2026-01-01T00:00:00Z',
      completionTime: '2026-01-01T00:00:40Z',
      conditions: [{ type: 'Succeeded', ...condition }],
    },
  };
}
const taskRun = (given: Given) => run(given) as TaskRun;
const pipelineRun = (given: Given) => run(given) as PipelineRun;

/** Series of a metric without its help, sorted. */
async function series(registry: Registry, metric: string): Promise<string[]> {
  const text = await registry.getSingleMetricAsString(`tekton_pipelines_controller_${metric}`);
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace('tekton_pipelines_controller_', ''))
    .sort();
}
const sums = async (registry: Registry, metric: string) =>
  (await series(registry, metric)).filter((line) => line.startsWith(`${metric}_sum`));

describe('finished TaskRuns', () => {
  const child = { 'tekton.dev/pipelineRun': 'pr-1', 'tekton.dev/pipelineTask': 'build', 'tekton.dev/task': 'labelled' };
  const labelsOf = 'namespace="ns",status="success"';
  it.each<[string, Given, string, string]>([
    ['of a Task', { spec: { taskRef: { name: 'kaniko' } } }, 'taskrun', `${labelsOf},task="kaniko"`],
    ['of a spec of its own', {}, 'taskrun', `${labelsOf},task="anonymous"`],
    [
      'of a remote Task',
      { spec: { taskRef: { resolver: 'git' } }, labels: { 'tekton.dev/task': 'fetched' } },
      'taskrun',
      `${labelsOf},task="fetched"`,
    ],
    [
      'embedded in a Pipeline',
      { labels: { ...child, 'tekton.dev/pipeline': 'ci' } },
      'pipelinerun_taskrun',
      `${labelsOf},task="build",pipeline="ci"`,
    ],
    [
      'of a Task in a Pipeline',
      { spec: { taskRef: { name: 'kaniko' } }, labels: { ...child, 'tekton.dev/pipeline': 'ci' } },
      'pipelinerun_taskrun',
      `${labelsOf},task="kaniko",pipeline="ci"`,
    ],
    [
      'of an embedded Pipeline, whose label is the name of its run',
      { labels: { ...child, 'tekton.dev/pipeline': 'pr-1' } },
      'pipelinerun_taskrun',
      `${labelsOf},task="build",pipeline="anonymous"`,
    ],
  ])('%s', async (_name, given, metric, labels) => {
    const registry = new Registry();
    new TaskRunMetrics(registry, config()).done(taskRun(given));
    expect(await sums(registry, `${metric}_duration_seconds`)).toEqual([
      `${metric}_duration_seconds_sum{${labels}} 40`,
    ]);
    expect(await series(registry, 'taskrun_total')).toEqual(['taskrun_total{status="success"} 1']);
  });

  it.each([
    ['TaskRunCancelled', 'cancelled'],
    ['TaskRunTimeout', 'failed'],
  ])('reason %s counts as %s', async (reason, status) => {
    const registry = new Registry();
    new TaskRunMetrics(registry, config()).done(taskRun({ condition: { status: 'False', reason } }));
    expect(await series(registry, 'taskrun_total')).toEqual([`taskrun_total{status="${status}"} 1`]);
  });

  it("the latency of pods has upstream's buckets", async () => {
    const registry = new Registry();
    new TaskRunMetrics(registry, config()).done(taskRun({}), { namespace: 'ns', milliseconds: 80 });
    const bounds = (await series(registry, 'taskruns_pod_latency_milliseconds')).flatMap(
      (line) => /le="(\d+)"/.exec(line)?.slice(1).map(Number) ?? [],
    );
    expect(bounds.sort((a, b) => a - b)).toEqual([5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000]);
  });

  it.each<Record<string, string>>([
    { 'metrics.taskrun.level': 'taskrun' },
    { 'metrics.pipelinerun.level': 'pipelinerun' },
  ])('a level that names runs has last values: %j', async (data) => {
    const registry = new Registry();
    new TaskRunMetrics(registry, config(data)).done(taskRun({}));
    expect(await series(registry, 'taskrun_duration_seconds')).toHaveLength(1);
  });
});

describe('finished PipelineRuns', () => {
  it.each<[string, Given, string]>([
    ['of a Pipeline', { spec: { pipelineRef: { name: 'ci' } }, labels: { 'tekton.dev/pipeline': 'ci' } }, 'ci'],
    ['embedded', { labels: { 'tekton.dev/pipeline': 'run-1' } }, 'anonymous'],
    [
      'embedded, under a name too long for a label',
      { name: 'a'.repeat(70), labels: { 'tekton.dev/pipeline': 'a'.repeat(63) } },
      'anonymous',
    ],
    ['embedded, with generateName', { labels: { 'tekton.dev/pipeline': 'nightly' } }, 'nightly'],
    ['that never got its label', {}, 'anonymous'],
  ])('%s', async (_name, given, pipeline) => {
    const registry = new Registry();
    new PipelineRunMetrics(registry, config()).done(pipelineRun(given));
    expect(await sums(registry, 'pipelinerun_duration_seconds')).toEqual([
      `pipelinerun_duration_seconds_sum{namespace="ns",status="success",pipeline="${pipeline}"} 40`,
    ]);
  });
});

it('a thousand runs of one embedded pipeline have as many series as one', async () => {
  const registry = new Registry();
  const taskRuns = new TaskRunMetrics(registry, config());
  const pipelineRuns = new PipelineRunMetrics(registry, config());
  const record = (i: number) => {
    const name = `pr-${i}`;
    const labels = { 'tekton.dev/pipeline': name, 'tekton.dev/pipelineRun': name, 'tekton.dev/pipelineTask': 'build' };
    taskRuns.done(taskRun({ name: `${name}-build`, labels }), { namespace: 'ns', milliseconds: i });
    pipelineRuns.done(pipelineRun({ name, labels }));
  };
  const lines = async () => (await registry.metrics()).split('\n').length;
  record(0);
  const after = await lines();
  for (let i = 1; i < 1_000; i++) record(i);
  expect(await lines()).toBe(after);
});

describe('running', () => {
  const unknown = (reason: string) => ({ condition: { status: 'Unknown' as const, reason } });
  const given: Given[] = [
    { ...unknown('Running'), spec: { pipelineRef: { name: 'ci' }, taskRef: { name: 'ci' } } },
    { ...unknown('ResolvingPipelineRef') },
    { ...unknown('ResolvingTaskRef'), spec: { managedBy: 'tekton.dev/pipeline' } },
    { ...unknown('ExceededResourceQuota') },
    { ...unknown('Running'), spec: { managedBy: 'example.com/other' } },
    { condition: { status: 'True', reason: 'Succeeded' } },
  ];
  const unbegun = { metadata: { name: 'new', namespace: 'ns' }, spec: {} };

  it('counts what the condition says runs, and what is ours', async () => {
    const registry = new Registry();
    registerRunningTaskRuns(registry, () => [...given.map(taskRun), unbegun], config());
    registerRunningPipelineRuns(registry, () => [...given.map(pipelineRun), unbegun], config());
    const values = await Promise.all(
      [
        'running_taskruns',
        'running_taskruns_waiting_on_task_resolution_count',
        'running_taskruns_throttled_by_quota',
        'running_taskruns_throttled_by_node',
        'running_pipelineruns',
        'running_pipelineruns_waiting_on_pipeline_resolution',
        'running_pipelineruns_waiting_on_task_resolution',
      ].map((metric) => series(registry, metric)),
    );
    expect(values.flat()).toEqual([
      'running_taskruns 4',
      'running_taskruns_waiting_on_task_resolution_count 1',
      'running_taskruns_throttled_by_quota 1',
      'running_taskruns_throttled_by_node 0',
      'running_pipelineruns 4',
      'running_pipelineruns_waiting_on_pipeline_resolution 1',
      'running_pipelineruns_waiting_on_task_resolution 1',
    ]);
  });

  it("at a level, with the cluster's total beside it", async () => {
    const registry = new Registry();
    const metrics = config({ 'metrics.running-pipelinerun.level': 'pipeline' });
    registerRunningPipelineRuns(registry, () => given.map(pipelineRun), metrics);
    expect(await series(registry, 'running_pipelineruns')).toEqual([
      'running_pipelineruns 4',
      'running_pipelineruns{namespace="ns",pipeline="anonymous"} 3',
      'running_pipelineruns{namespace="ns",pipeline="ci"} 1',
    ]);
  });
});
