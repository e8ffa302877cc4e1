import type { Counter, Registry } from 'prom-client';
import type { MetricsConfig } from '../../api/config/config-observability.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { labels } from '../../core/labels.ts';
import { pipelineLabel } from '../../core/pipelinerun/child/metadata.ts';
import {
  anonymous,
  commonLabels,
  countRunning,
  countWithReason,
  countedGauge,
  durationMetric,
  durationSeconds,
  runCounter,
  runStatus,
  running,
  type DurationMetric,
  type Labels,
} from './series.ts';

/** Labels that name a pipeline and its run, as far as the level asks for them (docs/metrics.md). */
export function pipelineLabels(pipeline: string, run: string, config: MetricsConfig): Labels {
  switch (config.pipelinerunLevel) {
    case 'pipelinerun':
      return { pipeline, pipelinerun: run };
    case 'pipeline':
      return { pipeline };
    case 'namespace':
      return {};
  }
}

/**
 * The pipeline's name; of an embedded one the label that its generateName gave the run. A label that is the run's own
 * name (cut where that is too long for one) names no pipeline: a series each would make the metrics grow for ever.
 */
export function pipelineName(label: string | undefined, runName: string | undefined, reference?: string): string {
  if (reference) return reference;
  return label && label !== pipelineLabel({ metadata: { name: runName ?? '' } }) ? label : anonymous;
}

function nameOf({ spec, metadata }: PipelineRun): string {
  return pipelineName(metadata.labels?.[labels.pipeline], metadata.name, spec.pipelineRef?.name);
}

/** Finished PipelineRuns, under upstream's names, labels and buckets (docs/metrics.md). */
export class PipelineRunMetrics {
  readonly #config: MetricsConfig;
  readonly #total: Counter;
  readonly #duration: DurationMetric;

  constructor(registry: Registry, config: MetricsConfig) {
    this.#config = config;
    this.#total = runCounter(registry, 'pipelinerun_total', 'Number of finished PipelineRuns');
    const names = [
      'namespace',
      'status',
      ...(config.countWithReason ? ['reason'] : []),
      ...Object.keys(pipelineLabels('', '', config)),
    ];
    const lastValue = config.pipelinerunLevel === 'pipelinerun' || config.pipelinerunDurationType === 'lastvalue';
    this.#duration = durationMetric(registry, 'pipelinerun', names, lastValue);
  }

  /** Records a PipelineRun that has just finished. */
  done(run: PipelineRun): void {
    const status = runStatus(run, 'Cancelled');
    this.#total.inc({ status });
    this.#duration.observe(
      {
        ...commonLabels(run, status, this.#config.countWithReason),
        ...pipelineLabels(nameOf(run), run.metadata.name ?? '', this.#config),
      },
      durationSeconds(run),
    );
  }
}

const levels = {
  '': [],
  namespace: ['namespace'],
  pipeline: ['namespace', 'pipeline'],
  pipelinerun: ['namespace', 'pipeline', 'pipelinerun'],
} as const satisfies Record<MetricsConfig['runningPipelinerunLevel'], string[]>;

/** Gauges of the PipelineRuns that run now, read from the cache. */
export function registerRunningPipelineRuns(
  registry: Registry,
  runs: () => Iterable<PipelineRun>,
  config: MetricsConfig,
): void {
  const labelNames: string[] = [...levels[config.runningPipelinerunLevel]];
  countedGauge(registry, { name: 'running_pipelineruns', help: 'PipelineRuns that run now', labelNames }, (gauge) => {
    // The cluster's total, beside the series of a level.
    gauge.set(countRunning(runs()));
    if (labelNames.length === 0) return;
    for (const run of running(runs())) {
      const { namespace = '', name: pipelinerun = '' } = run.metadata;
      const all: Labels = { namespace, pipeline: nameOf(run), pipelinerun };
      gauge.inc(Object.fromEntries(labelNames.map((name) => [name, all[name] ?? ''])), 1);
    }
  });
  countedGauge(
    registry,
    {
      name: 'running_pipelineruns_waiting_on_pipeline_resolution',
      help: 'PipelineRuns that wait for their Pipeline',
    },
    (gauge) => gauge.set(countWithReason(runs(), 'ResolvingPipelineRef')),
  );
  countedGauge(
    registry,
    { name: 'running_pipelineruns_waiting_on_task_resolution', help: 'PipelineRuns that wait for a Task' },
    (gauge) => gauge.set(countWithReason(runs(), 'ResolvingTaskRef')),
  );
}
