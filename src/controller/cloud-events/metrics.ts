import { Counter, type Registry } from 'prom-client';
import { countedGauge } from '../metrics/series.ts';

/** sent; retried: a try was in vain; failed: given up; dropped: there was no room for it. */
export type CloudEventResult = 'sent' | 'retried' | 'failed' | 'dropped';

/** What becomes of CloudEvents. The counter has the name under which upstream had one. */
export class CloudEventMetrics {
  readonly #events: Counter;

  constructor(registry: Registry, waiting: () => number) {
    this.#events = new Counter({
      name: 'tekton_pipelines_controller_cloudevent_count',
      help: 'CloudEvents by what became of them: sent, retried, failed, dropped',
      labelNames: ['status'],
      registers: [registry],
    });
    const help = 'CloudEvents that wait to be sent';
    countedGauge(registry, { name: 'cloudevents_waiting', help }, (gauge) => gauge.set(waiting()));
  }

  became(status: CloudEventResult): void {
    this.#events.inc({ status });
  }
}
