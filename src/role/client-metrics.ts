import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestRecord } from '../kube/transport.ts';

/** Requests to the API server under the names that knative's controllers export. */
export class ClientMetrics {
  readonly #seconds: Histogram;
  readonly #codes: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'http_client_request_duration_seconds',
      help: 'How long requests to the API server take',
      labelNames: ['verb', 'http_response_status_code', 'resource'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#codes = new Counter({
      name: 'kn_k8s_client_http_response_status_code_total',
      help: 'Answers of the API server by status',
      labelNames: ['verb', 'http_response_status_code'],
      registers,
    });
  }

  record(record: RequestRecord): void {
    const labels = { verb: record.verb, http_response_status_code: String(record.status) };
    this.#codes.inc(labels);
    // A watch lasts minutes by design; it would drown the others.
    if (record.verb !== 'watch') this.#seconds.observe({ ...labels, resource: record.resource }, record.seconds);
  }
}
