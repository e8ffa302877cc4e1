import { Gauge, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { parseObservability } from '../../api/config/config-observability.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { LiveRunMetrics } from './live.ts';

const config = (data: Record<string, string> = {}) => parseObservability(data).observability.metrics;

const run = {
  metadata: { name: 'one', namespace: 'ns' },
  spec: {},
  status: {
    startTime: '2026-01-01T00:00:00Z',
    completionTime: '2026-01-01T00:00:40Z',
    conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }],
  },
};

it('metrics have the labels of the settings from the next change on, and others are left alone', async () => {
  const registry = new Registry();
  new Gauge({ name: 'other', help: 'h', registers: [registry] }).set(1);
  const runs = { taskRuns: () => [], pipelineRuns: () => [] };
  const metrics = new LiveRunMetrics(registry, runs, config());
  const sums = async () =>
    (await registry.metrics()).split('\n').filter((line) => /^other|_duration_seconds(_sum)?\{/.test(line));
  const finish = () => {
    metrics.taskRuns.done(run as TaskRun);
    metrics.pipelineRuns.done(run as PipelineRun);
  };
  const prefix = 'tekton_pipelines_controller_';
  const before = [
    'other 1',
    `${prefix}taskrun_duration_seconds_sum{namespace="ns",status="success",task="anonymous"} 40`,
    `${prefix}pipelinerun_duration_seconds_sum{namespace="ns",status="success",pipeline="anonymous"} 40`,
  ];
  finish();
  expect(await sums()).toEqual(before);

  metrics.configure(config({ 'metrics-protocol': 'none' }));
  expect(await sums()).toEqual(before);

  metrics.configure(config({ 'metrics.taskrun.level': 'taskrun', 'metrics.pipelinerun.level': 'namespace' }));
  expect(await sums()).toEqual(['other 1']);
  finish();
  expect(await sums()).toEqual([
    'other 1',
    `${prefix}taskrun_duration_seconds{namespace="ns",status="success",task="anonymous",taskrun="one"} 40`,
    `${prefix}pipelinerun_duration_seconds_sum{namespace="ns",status="success"} 40`,
  ]);
});
