import { Registry } from 'prom-client';

/** knative's meter of work queues and API clients. */
const infrastructure = 'knative.dev/pkg/observability/metrics/k8s';

/** Bucket bounds of knative's latency histograms, seconds. */
export const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * What a process measures, by meter. Each series says which meter it is of (label otel_scope_name), as OpenTelemetry's
 * exporter writes upstream's series.
 */
export class Meters {
  /** Of the process itself: memory, event loop. No meter of upstream's. */
  readonly process = new Registry();
  /** Work queues and requests to the API server. */
  readonly infrastructure = scoped(infrastructure);
  /** What the role is there for. */
  readonly role: Registry;
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  /** @param role name of the role's own meter */
  constructor(role: string) {
    this.role = scoped(role);
  }

  /** All series in Prometheus' text format. Rejects when a collector fails. */
  async text(): Promise<string> {
    const texts = await Promise.all(
      [this.role, this.infrastructure, this.process].map((registry) => registry.metrics()),
    );
    return texts.join('');
  }
}

function scoped(meter: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ otel_scope_name: meter });
  return registry;
}
