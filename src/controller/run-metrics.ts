import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MetricsConfig } from '../api/config/config-observability.ts';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { isDone, succeededCondition } from '../core/condition.ts';
import { labels } from '../core/labels.ts';

const prefix = 'tekton_pipelines_controller_';
const durationBuckets = [10, 30, 60, 300, 900, 1800, 3600, 5400, 10800, 21600, 43200, 86400];
const podLatencyBuckets = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];
/** Upstream's placeholder for definitions without a name. */
const anonymous = 'anonymous';

type RunStatus = 'success' | 'failed' | 'cancelled';
type Labels = Record<string, string>;

interface DurationMetric {
  observe(values: Labels, seconds: number): void;
}

/** A pod's way to its node: milliseconds from creation to the PodScheduled condition. */
export interface PodLatency {
  namespace: string;
  pod: string;
  milliseconds: number;
}

/** Which labels the durations carry, from config-observability (docs/metrics.md). */
function taskLabels(taskRun: TaskRun, config: MetricsConfig): Labels {
  const task = taskRun.spec.taskRef?.name ?? taskRun.metadata.labels?.[labels.task] ?? anonymous;
  switch (config.taskrunLevel) {
    case 'taskrun':
      return { task, taskrun: taskRun.metadata.name ?? '' };
    case 'task':
      return { task };
    case 'namespace':
      return {};
  }
}

function pipelineLabels(name: string, run: string, config: MetricsConfig): Labels {
  switch (config.pipelinerunLevel) {
    case 'pipelinerun':
      return { pipeline: name, pipelinerun: run };
    case 'pipeline':
      return { pipeline: name };
    case 'namespace':
      return {};
  }
}

function runStatus(run: TaskRun | PipelineRun, cancelledReason: string): RunStatus {
  const condition = succeededCondition(run.status);
  if (condition?.status === 'True') return 'success';
  return condition?.reason === cancelledReason ? 'cancelled' : 'failed';
}

function durationSeconds(run: TaskRun | PipelineRun): number {
  const { startTime, completionTime } = run.status ?? {};
  if (!startTime || !completionTime) return 0;
  return Math.max(0, (Date.parse(completionTime) - Date.parse(startTime)) / 1000);
}

/**
 * The run metrics of upstream's controller, with its names, labels and buckets (docs/metrics.md). Finished runs are
 * recorded when they finish; the running gauges are read from the caches at scrape time.
 */
export class RunMetrics {
  readonly #config: MetricsConfig;
  readonly #taskRunTotal: Counter;
  readonly #pipelineRunTotal: Counter;
  readonly #taskRunDuration: DurationMetric;
  readonly #childDuration: DurationMetric;
  readonly #pipelineRunDuration: DurationMetric;
  readonly #podLatency: Histogram;

  constructor(registry: Registry, config: MetricsConfig) {
    this.#config = config;
    const registers = [registry];
    const counter = (name: string, help: string) =>
      new Counter({ name: `${prefix}${name}`, help, labelNames: ['status'], registers });
    this.#taskRunTotal = counter('taskrun_total', 'Number of finished TaskRuns');
    this.#pipelineRunTotal = counter('pipelinerun_total', 'Number of finished PipelineRuns');
    const perTaskRun = config.taskrunLevel === 'taskrun' || config.taskrunDurationType === 'lastvalue';
    const perPipelineRun = config.pipelinerunLevel === 'pipelinerun' || config.pipelinerunDurationType === 'lastvalue';
    const reason = config.countWithReason ? ['reason'] : [];
    const task = Object.keys(taskLabels({ metadata: {}, spec: {} }, config));
    const pipeline = Object.keys(pipelineLabels('', '', config));
    const common = ['namespace', 'status', ...reason];
    this.#taskRunDuration = duration(registry, 'taskrun', [...common, ...task], perTaskRun);
    this.#childDuration = duration(registry, 'pipelinerun_taskrun', [...common, ...task, ...pipeline], perTaskRun);
    this.#pipelineRunDuration = duration(registry, 'pipelinerun', [...common, ...pipeline], perPipelineRun);
    this.#podLatency = new Histogram({
      name: `${prefix}taskruns_pod_latency_milliseconds`,
      help: 'Time from the creation of a TaskRun pod until it was scheduled',
      // No pod label: one series per pod grows without bound (upstream issue 9393).
      labelNames: ['namespace', ...task],
      buckets: podLatencyBuckets,
      registers,
    });
  }

  /** Records a TaskRun that has just finished. */
  taskRunDone(taskRun: TaskRun, pod?: PodLatency): void {
    const status = runStatus(taskRun, 'TaskRunCancelled');
    const values = { ...this.#common(taskRun, status), ...taskLabels(taskRun, this.#config) };
    this.#taskRunTotal.inc({ status });
    const parent = taskRun.metadata.labels?.[labels.pipelineRun];
    if (parent === undefined) this.#taskRunDuration.observe(values, durationSeconds(taskRun));
    else {
      const pipeline = taskRun.metadata.labels?.[labels.pipeline] ?? anonymous;
      this.#childDuration.observe(
        { ...values, ...pipelineLabels(pipeline, parent, this.#config) },
        durationSeconds(taskRun),
      );
    }
    if (pod) {
      this.#podLatency.observe({ namespace: pod.namespace, ...taskLabels(taskRun, this.#config) }, pod.milliseconds);
    }
  }

  /** Records a PipelineRun that has just finished. */
  pipelineRunDone(run: PipelineRun): void {
    const status = runStatus(run, 'Cancelled');
    const pipeline = run.spec.pipelineRef?.name ?? anonymous;
    const values = { ...this.#common(run, status), ...pipelineLabels(pipeline, run.metadata.name ?? '', this.#config) };
    this.#pipelineRunTotal.inc({ status });
    this.#pipelineRunDuration.observe(values, durationSeconds(run));
  }

  #common(run: TaskRun | PipelineRun, status: RunStatus): Labels {
    const reason = succeededCondition(run.status)?.reason ?? '';
    return {
      namespace: run.metadata.namespace ?? '',
      status,
      ...(this.#config.countWithReason ? { reason } : {}),
    };
  }
}

function duration(registry: Registry, kind: string, labelNames: string[], lastValue: boolean): DurationMetric {
  const name = `${prefix}${kind}_duration_seconds`;
  const help = `The ${kind} execution time in seconds`;
  if (!lastValue) return new Histogram({ name, help, labelNames, buckets: durationBuckets, registers: [registry] });
  const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
  return { observe: (values, seconds) => gauge.set(values, seconds) };
}

/** What the running gauges read: every run in the cache. */
export interface RunLists {
  taskRuns(): Iterable<TaskRun>;
  pipelineRuns(): Iterable<PipelineRun>;
}

const throttledByQuota = 'ExceededResourceQuota';
const throttledByNode = 'ExceededNodeResources';
const resolvingPipeline = 'ResolvingPipelineRef';
const resolvingTask = 'ResolvingTaskRef';

/** Registers the gauges of what runs now; each scrape counts the caches anew, so that they cannot drift. */
export function registerRunningGauges(registry: Registry, lists: RunLists, config: MetricsConfig): void {
  const registers = [registry];
  const runningTaskRuns = () => [...lists.taskRuns()].filter((run) => !isDone(run.status));
  const runningPipelineRuns = () => [...lists.pipelineRuns()].filter((run) => !isDone(run.status));
  const withReason = (runs: (TaskRun | PipelineRun)[], reason: string) =>
    runs.filter((run) => succeededCondition(run.status)?.reason === reason);
  const gauge = (name: string, help: string, count: () => number) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.set(count());
      },
    });

  gauge('running_taskruns', 'TaskRuns that run now', () => runningTaskRuns().length);
  gauge(
    'running_taskruns_waiting_on_task_resolution_count',
    'TaskRuns that wait for their Task to be resolved',
    () => withReason(runningTaskRuns(), resolvingTask).length,
  );
  gauge(
    'running_pipelineruns_waiting_on_pipeline_resolution',
    'PipelineRuns that wait for their Pipeline',
    () => withReason(runningPipelineRuns(), resolvingPipeline).length,
  );
  gauge(
    'running_pipelineruns_waiting_on_task_resolution',
    'PipelineRuns that wait for a Task',
    () => withReason(runningPipelineRuns(), resolvingTask).length,
  );
  registerRunningPipelineRuns(registry, runningPipelineRuns, config);
  for (const [name, reason] of [
    ['quota', throttledByQuota],
    ['node', throttledByNode],
  ] as const) {
    registerThrottled(registry, name, () => withReason(runningTaskRuns(), reason), config.throttleWithNamespace);
  }
}

function registerRunningPipelineRuns(registry: Registry, running: () => PipelineRun[], config: MetricsConfig): void {
  const level = config.runningPipelinerunLevel;
  const names = {
    '': [],
    namespace: ['namespace'],
    pipeline: ['namespace', 'pipeline'],
    pipelinerun: ['namespace', 'pipeline', 'pipelinerun'],
  }[level];
  new Gauge({
    name: `${prefix}running_pipelineruns`,
    help: 'PipelineRuns that run now',
    labelNames: names,
    registers: [registry],
    collect() {
      this.reset();
      if (names.length === 0) this.set(0);
      for (const run of running()) {
        const all: Labels = {
          namespace: run.metadata.namespace ?? '',
          pipeline: run.spec.pipelineRef?.name ?? anonymous,
          pipelinerun: run.metadata.name ?? '',
        };
        this.inc(Object.fromEntries(names.map((name) => [name, all[name] ?? ''])), 1);
      }
    },
  });
}

function registerThrottled(
  registry: Registry,
  by: string,
  runs: () => (TaskRun | PipelineRun)[],
  perNamespace: boolean,
): void {
  new Gauge({
    name: `${prefix}running_taskruns_throttled_by_${by}`,
    help: `TaskRuns whose pod waits because of ${by === 'quota' ? 'a resource quota' : 'missing room on the nodes'}`,
    labelNames: perNamespace ? ['namespace'] : [],
    registers: [registry],
    collect() {
      this.reset();
      if (!perNamespace) this.set(0);
      for (const run of runs()) this.inc(perNamespace ? { namespace: run.metadata.namespace ?? '' } : {}, 1);
    },
  });
}
