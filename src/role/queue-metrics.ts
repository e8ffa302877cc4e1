import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueMetrics, WorkQueue } from '../kube/queue.ts';
import { latencyBuckets as buckets } from './meters.ts';

/**
 * The kn_workqueue_* metrics of upstream's controllers, one label `name` per queue (knative.dev/pkg observability).
 * Call `metrics(name)` for a queue's options, and `observe(queue)` once it exists.
 */
export class QueueMetricsRegistry {
  readonly #depth: Gauge;
  readonly #adds: Counter;
  readonly #retries: Counter;
  readonly #waiting: Histogram;
  readonly #working: Histogram;
  readonly #queues: WorkQueue[] = [];

  constructor(registry: Registry) {
    const common = { labelNames: ['name'], registers: [registry] };
    this.#depth = new Gauge({ ...common, name: 'kn_workqueue_depth', help: 'Keys that wait in the queue' });
    this.#adds = new Counter({ ...common, name: 'kn_workqueue_adds_total', help: 'Keys added to the queue' });
    this.#retries = new Counter({
      ...common,
      name: 'kn_workqueue_retries_total',
      help: 'Keys added again after a failure',
    });
    this.#waiting = new Histogram({
      ...common,
      buckets,
      name: 'kn_workqueue_queue_duration_seconds',
      help: 'How long a key waits in the queue',
    });
    this.#working = new Histogram({
      ...common,
      buckets,
      name: 'kn_workqueue_process_duration_seconds',
      help: 'How long work on a key takes',
    });
    this.#unfinished(
      registry,
      'kn_workqueue_unfinished_work_seconds',
      'Work begun and not finished yet',
      (work) => work.seconds,
    );
    this.#unfinished(
      registry,
      'kn_workqueue_longest_running_processor_seconds',
      'The longest work begun and not finished yet',
      (work) => work.longestSeconds,
    );
  }

  metrics(name: string): QueueMetrics {
    const labels = { name };
    return {
      added: () => this.#adds.inc(labels),
      depth: (depth) => this.#depth.set(labels, depth),
      waited: (seconds) => this.#waiting.observe(labels, seconds),
      worked: (seconds) => this.#working.observe(labels, seconds),
      retried: () => this.#retries.inc(labels),
    };
  }

  observe(queue: WorkQueue): void {
    this.#queues.push(queue);
  }

  #unfinished(
    registry: Registry,
    name: string,
    help: string,
    pick: (work: { seconds: number; longestSeconds: number }) => number,
  ): void {
    const queues = this.#queues;
    new Gauge({
      name,
      help,
      labelNames: ['name'],
      registers: [registry],
      collect() {
        for (const queue of queues) this.set({ name: queue.name }, pick(queue.unfinished()));
      },
    });
  }
}
