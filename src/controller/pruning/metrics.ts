import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PrunedKind } from '../../api/config/config-pruner.ts';
import type { PruneReason } from '../../core/retention/plan.ts';
import { latencyBuckets } from '../../role/meters.ts';
import { ApiError } from '../../kube/client.ts';

/** One minute to a year. */
const ageBuckets = [60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000];

/** Series of tektoncd/pruner, under its names and labels (its docs/metrics.md); `schedule` is an operation of ours. */
export class PruningMetrics {
  readonly #processed: Counter;
  readonly #events: Counter;
  readonly #deleted: Counter;
  readonly #errors: Counter;
  readonly #duration: Histogram;
  readonly #age: Histogram;
  readonly #pending: Gauge;

  constructor(registry: Registry) {
    const common = (name: string, help: string, ...labels: string[]) => ({
      name: `tekton_pruner_controller_${name}`,
      help,
      labelNames: ['namespace', 'resource_type', ...labels],
      registers: [registry],
    });
    this.#processed = new Counter(common('resources_processed_total', 'Runs that were to be deleted', 'status'));
    this.#events = new Counter(common('reconciliation_events_total', 'Looks at the runs of a namespace', 'status'));
    this.#deleted = new Counter(common('resources_deleted_total', 'Runs deleted', 'operation'));
    this.#errors = new Counter(common('resources_errors_total', 'Deletions that failed', 'error_type', 'reason'));
    this.#duration = new Histogram({
      ...common('reconciliation_duration_seconds', 'How long a look at the runs of a namespace takes'),
      buckets: latencyBuckets,
    });
    this.#age = new Histogram({
      ...common('resource_age_at_deletion_seconds', 'Age of runs when they are deleted', 'operation'),
      buckets: ageBuckets,
    });
    this.#pending = new Gauge(common('pending_deletions', 'Runs that are to be deleted and still there'));
  }

  looked(namespace: string, kind: PrunedKind, status: 'success' | 'error', seconds: number): void {
    const labels = { namespace, resource_type: kind };
    this.#events.inc({ ...labels, status });
    this.#duration.observe(labels, seconds);
  }

  deleted(namespace: string, kind: PrunedKind, reason: PruneReason, ageSeconds: number): void {
    const labels = { namespace, resource_type: kind };
    const operation = operationOf(reason);
    this.#processed.inc({ ...labels, status: 'success' });
    this.#deleted.inc({ ...labels, operation });
    this.#age.observe({ ...labels, operation }, Math.max(0, ageSeconds));
  }

  failed(namespace: string, kind: PrunedKind, reason: PruneReason, error: unknown): void {
    const labels = { namespace, resource_type: kind };
    this.#processed.inc({ ...labels, status: 'error' });
    this.#errors.inc({ ...labels, error_type: errorType(error), reason: `${operationOf(reason)}_deletion_failed` });
  }

  pending(namespace: string, kind: PrunedKind, runs: number): void {
    this.#pending.set({ namespace, resource_type: kind }, runs);
  }
}

function operationOf({ kind }: PruneReason): 'ttl' | 'history' | 'schedule' {
  return kind === 'ttl' || kind === 'history' ? kind : 'schedule';
}

function errorType(error: unknown): string {
  if (!(error instanceof ApiError)) return 'internal';
  switch (error.status) {
    case 404:
      return 'not_found';
    case 401:
    case 403:
      return 'permission';
    case 409:
    case 422:
      return 'validation';
    case 408:
    case 504:
      return 'timeout';
    default:
      return 'api_error';
  }
}
