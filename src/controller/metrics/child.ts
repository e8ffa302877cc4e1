import { Counter, type Registry } from 'prom-client';
import type { Child } from '../../core/pipelinerun/child/child.ts';
import { prefix, type RunStatus } from './series.ts';

/** Finished runs that PipelineRuns made, of every kind: upstream counts their TaskRuns alone. */
export class ChildMetrics {
  readonly #total: Counter;

  constructor(registry: Registry) {
    this.#total = new Counter({
      name: `${prefix}pipelinerun_child_total`,
      help: 'Number of finished TaskRuns, CustomRuns and PipelineRuns that PipelineRuns made',
      labelNames: ['kind', 'status'],
      registers: [registry],
    });
  }

  /** Records a child that has just finished. */
  done(child: Pick<Child, 'kind' | 'state' | 'wasCancelled'>): void {
    this.#total.inc({ kind: child.kind, status: statusOf(child) });
  }
}

function statusOf({ state, wasCancelled }: Pick<Child, 'state' | 'wasCancelled'>): RunStatus {
  if (state === 'succeeded') return 'success';
  return wasCancelled ? 'cancelled' : 'failed';
}
