import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestRecord } from '../kube/transport.ts';
import { latencyBuckets } from './meters.ts';

const common = ['http_request_method', 'verb', 'http_response_status_code', 'server_address'];

/**
 * Requests to the API server under the names and labels that knative's controllers export. In place of url_template,
 * which names no verb and every resource name there is, the series have `verb` and `resource`.
 */
export class ClientMetrics {
  readonly #server: string;
  readonly #seconds: Histogram;
  readonly #codes: Counter;

  /** @param server URL of the API server */
  constructor(registry: Registry, server: URL) {
    this.#server = server.hostname;
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'http_client_request_duration_seconds',
      help: 'How long requests to the API server take',
      labelNames: [...common, 'resource'],
      buckets: latencyBuckets,
      registers,
    });
    this.#codes = new Counter({
      name: 'kn_k8s_client_http_response_status_code_total',
      help: 'Answers of the API server by status',
      labelNames: common,
      registers,
    });
  }

  record(record: RequestRecord): void {
    const labels = {
      http_request_method: record.method,
      verb: record.verb,
      http_response_status_code: String(record.status),
      server_address: this.#server,
    };
    this.#codes.inc(labels);
    // A watch lasts minutes by design; it would drown the others.
    if (record.verb !== 'watch') this.#seconds.observe({ ...labels, resource: record.resource }, record.seconds);
  }
}
