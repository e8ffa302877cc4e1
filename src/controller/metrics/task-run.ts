import { Histogram, type Counter, type Registry } from 'prom-client';
import type { MetricsConfig } from '../../api/config/config-observability.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../core/condition.ts';
import { labels } from '../../core/labels.ts';
import { pipelineLabels, pipelineName } from './pipeline-run.ts';
import {
  anonymous,
  commonLabels,
  countRunning,
  countWithReason,
  countedGauge,
  durationMetric,
  durationSeconds,
  prefix,
  runCounter,
  runStatus,
  running,
  type DurationMetric,
  type Labels,
} from './series.ts';

const podLatencyBuckets = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000];

/** A pod's way to its node: milliseconds from creation to the PodScheduled condition. */
export interface PodLatency {
  namespace: string;
  milliseconds: number;
}

/** Labels that name a task and its run, as far as the level asks for them (docs/metrics.md). */
function taskLabels(task: string, taskrun: string, config: MetricsConfig): Labels {
  switch (config.taskrunLevel) {
    case 'taskrun':
      return { task, taskrun };
    case 'task':
      return { task };
    case 'namespace':
      return {};
  }
}

/** The Task's name; of a task embedded in a pipeline, its name there. */
function nameOf({ spec: { taskRef }, metadata }: TaskRun): string {
  if (taskRef?.name) return taskRef.name;
  return metadata.labels?.[taskRef ? labels.task : labels.pipelineTask] ?? anonymous;
}

/** Finished TaskRuns, under upstream's names, labels and buckets (docs/metrics.md). */
export class TaskRunMetrics {
  readonly #config: MetricsConfig;
  readonly #total: Counter;
  readonly #duration: DurationMetric;
  readonly #childDuration: DurationMetric;
  readonly #podLatency: Histogram;

  constructor(registry: Registry, config: MetricsConfig) {
    this.#config = config;
    this.#total = runCounter(registry, 'taskrun_total', 'Number of finished TaskRuns');
    const task = Object.keys(taskLabels('', '', config));
    const names = ['namespace', 'status', ...(config.countWithReason ? ['reason'] : []), ...task];
    const pipeline = Object.keys(pipelineLabels('', '', config));
    const lastValue =
      config.taskrunLevel === 'taskrun' ||
      config.pipelinerunLevel === 'pipelinerun' ||
      config.taskrunDurationType === 'lastvalue';
    this.#duration = durationMetric(registry, 'taskrun', names, lastValue);
    this.#childDuration = durationMetric(registry, 'pipelinerun_taskrun', [...names, ...pipeline], lastValue);
    this.#podLatency = new Histogram({
      name: `${prefix}taskruns_pod_latency_milliseconds`,
      help: 'Time from the creation of a TaskRun pod until it was scheduled',
      // No pod label: one series per pod grows without bound (upstream issue 9393).
      labelNames: ['namespace', ...task],
      buckets: podLatencyBuckets,
      registers: [registry],
    });
  }

  /** Records a TaskRun that has just finished. */
  done(taskRun: TaskRun, pod?: PodLatency): void {
    const { name = '' } = taskRun.metadata;
    const status = runStatus(taskRun, 'TaskRunCancelled');
    const task = taskLabels(nameOf(taskRun), name, this.#config);
    const values = { ...commonLabels(taskRun, status, this.#config.countWithReason), ...task };
    this.#total.inc({ status });
    const parent = taskRun.metadata.labels?.[labels.pipelineRun];
    if (parent === undefined) this.#duration.observe(values, durationSeconds(taskRun));
    else {
      const pipeline = pipelineName(taskRun.metadata.labels?.[labels.pipeline], parent);
      this.#childDuration.observe(
        { ...values, ...pipelineLabels(pipeline, parent, this.#config) },
        durationSeconds(taskRun),
      );
    }
    if (pod) this.#podLatency.observe({ namespace: pod.namespace, ...task }, pod.milliseconds);
  }
}

/** Gauges of the TaskRuns that run now, read from the cache. */
export function registerRunningTaskRuns(
  registry: Registry,
  runs: () => Iterable<TaskRun>,
  config: MetricsConfig,
): void {
  countedGauge(registry, { name: 'running_taskruns', help: 'TaskRuns that run now' }, (gauge) =>
    gauge.set(countRunning(runs())),
  );
  countedGauge(
    registry,
    {
      name: 'running_taskruns_waiting_on_task_resolution_count',
      help: 'TaskRuns that wait for their Task to be resolved',
    },
    (gauge) => gauge.set(countWithReason(runs(), 'ResolvingTaskRef')),
  );
  for (const [by, reason, cause] of [
    ['quota', 'ExceededResourceQuota', 'a resource quota'],
    ['node', 'ExceededNodeResources', 'missing room on the nodes'],
  ] as const) {
    countedGauge(
      registry,
      {
        name: `running_taskruns_throttled_by_${by}`,
        help: `TaskRuns whose pod waits because of ${cause}`,
        labelNames: config.throttleWithNamespace ? ['namespace'] : [],
      },
      (gauge) => {
        if (!config.throttleWithNamespace) return gauge.set(countWithReason(runs(), reason));
        for (const run of running(runs()))
          if (succeededCondition(run.status)?.reason === reason)
            gauge.inc({ namespace: run.metadata.namespace ?? '' }, 1);
      },
    );
  }
}
