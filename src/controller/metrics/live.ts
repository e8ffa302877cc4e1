import { isDeepStrictEqual } from 'node:util';
import type { Registry } from 'prom-client';
import type { MetricsConfig } from '../../api/config/config-observability.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { FinishedRunMetrics } from '../finished-runs.ts';
import { PipelineRunMetrics, registerRunningPipelineRuns } from './pipeline-run.ts';
import { TaskRunMetrics, registerRunningTaskRuns } from './task-run.ts';

/** The runs there are now. */
export interface RunsNow {
  taskRuns: () => Iterable<TaskRun>;
  pipelineRuns: () => Iterable<PipelineRun>;
}

/**
 * Metrics of runs, whose labels may change at any time. A metric cannot change its labels: others take its place, which
 * count from zero, as after a start of the process.
 */
export class LiveRunMetrics implements FinishedRunMetrics {
  readonly #registry: Registry;
  readonly #runs: RunsNow;
  #config: MetricsConfig;
  #names: readonly string[] = [];
  #now: { taskRuns: TaskRunMetrics; pipelineRuns: PipelineRunMetrics };
  readonly taskRuns: FinishedRunMetrics['taskRuns'] = { done: (run, pod) => this.#now.taskRuns.done(run, pod) };
  readonly pipelineRuns: FinishedRunMetrics['pipelineRuns'] = { done: (run) => this.#now.pipelineRuns.done(run) };

  constructor(registry: Registry, runs: RunsNow, config: MetricsConfig) {
    this.#registry = registry;
    this.#runs = runs;
    this.#config = config;
    this.#now = this.#register();
  }

  /** From now on the metrics have these labels. */
  configure(config: MetricsConfig): void {
    if (isDeepStrictEqual(config, this.#config)) return;
    this.#config = config;
    for (const name of this.#names) this.#registry.removeSingleMetric(name);
    this.#now = this.#register();
  }

  #register(): { taskRuns: TaskRunMetrics; pipelineRuns: PipelineRunMetrics } {
    const others = new Set(namesIn(this.#registry));
    registerRunningTaskRuns(this.#registry, this.#runs.taskRuns, this.#config);
    registerRunningPipelineRuns(this.#registry, this.#runs.pipelineRuns, this.#config);
    const made = {
      taskRuns: new TaskRunMetrics(this.#registry, this.#config),
      pipelineRuns: new PipelineRunMetrics(this.#registry, this.#config),
    };
    this.#names = namesIn(this.#registry).filter((name) => !others.has(name));
    return made;
  }
}

function namesIn(registry: Registry): string[] {
  return registry.getMetricsAsArray().map(({ name }) => name);
}
