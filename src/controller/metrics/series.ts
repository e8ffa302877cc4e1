import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../core/condition.ts';
import { ownManagedBy } from '../../core/labels.ts';

/** Upstream's name of its meter, before every metric. */
export const prefix = 'tekton_pipelines_controller_';
/** Upstream's placeholder for definitions without a name of their own. */
export const anonymous = 'anonymous';

export type RunStatus = 'success' | 'failed' | 'cancelled';
export type Labels = Record<string, string>;
type Run = TaskRun | PipelineRun;

/** How long runs took: a histogram, or the last one's time. */
export interface DurationMetric {
  observe(values: Labels, seconds: number): void;
}

const durationBuckets = [10, 30, 60, 300, 900, 1800, 3600, 5400, 10800, 21600, 43200, 86400];

export function durationMetric(
  registry: Registry,
  kind: string,
  labelNames: string[],
  lastValue: boolean,
): DurationMetric {
  const name = `${prefix}${kind}_duration_seconds`;
  const help = `The ${kind} execution time in seconds`;
  if (!lastValue) return new Histogram({ name, help, labelNames, buckets: durationBuckets, registers: [registry] });
  const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
  return { observe: (values, seconds) => gauge.set(values, seconds) };
}

export function runCounter(registry: Registry, name: string, help: string): Counter {
  return new Counter({ name: `${prefix}${name}`, help, labelNames: ['status'], registers: [registry] });
}

/** A gauge that is counted anew at each scrape, so that it cannot drift. */
export function countedGauge(
  registry: Registry,
  { name, help, labelNames = [] }: { name: string; help: string; labelNames?: string[] },
  count: (gauge: Gauge) => void,
): void {
  new Gauge({
    name: `${prefix}${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      count(this);
    },
  });
}

/** @param cancelledReason the reason of the condition of a cancelled run of this kind */
export function runStatus(run: Run, cancelledReason: string): RunStatus {
  const condition = succeededCondition(run.status);
  if (condition?.status === 'True') return 'success';
  return condition?.reason === cancelledReason ? 'cancelled' : 'failed';
}

export function durationSeconds(run: Run): number {
  const { startTime, completionTime } = run.status ?? {};
  if (!startTime || !completionTime) return 0;
  return Math.max(0, (Date.parse(completionTime) - Date.parse(startTime)) / 1000);
}

/** Labels that every series of finished runs has. */
export function commonLabels(run: Run, status: RunStatus, withReason: boolean): Labels {
  const reason = succeededCondition(run.status)?.reason ?? '';
  return { namespace: run.metadata.namespace ?? '', status, ...(withReason ? { reason } : {}) };
}

/** Runs of ours that run: their condition says so, and no other controller has them. */
export function* running<R extends Run>(runs: Iterable<R>): Generator<R> {
  for (const run of runs) {
    const { managedBy } = run.spec;
    if (managedBy && managedBy !== ownManagedBy) continue;
    if (succeededCondition(run.status)?.status === 'Unknown') yield run;
  }
}

/** How many of them wait for this reason. */
export function countWithReason(runs: Iterable<Run>, reason: string): number {
  let count = 0;
  for (const run of running(runs)) if (succeededCondition(run.status)?.reason === reason) count += 1;
  return count;
}

export function countRunning(runs: Iterable<Run>): number {
  let count = 0;
  for (const _run of running(runs)) count += 1;
  return count;
}
