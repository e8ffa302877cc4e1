import { Registry } from 'prom-client';
import { elapsedScale, systemClock, type Clock } from '../clock.ts';

/** knative's meter of work queues and API clients. */
const infrastructure = 'knative.dev/pkg/observability/metrics/k8s';
/** Of the process itself there is no meter of upstream's. */
const processMeter = 'tektite';

/** Bucket bounds of knative's latency histograms, seconds. */
export const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** All series of one name, as prom-client has them. */
export interface SeriesReading {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary';
  values: readonly {
    value: number;
    labels: Readonly<Record<string, string | number | undefined>>;
    /** Of a histogram's values: what the value is of it, such as `x_sum`. */
    metricName?: string;
  }[];
}

/** What a meter measures, read once. */
export interface MeterReading {
  scope: string;
  series: SeriesReading[];
}

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
  /** For so long what was read of the process serves, milliseconds. */
  keepProcessMs = 0;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #kept = new Map<object, { at: number; value: Promise<unknown> }>();

  /** @param role name of the role's own meter */
  constructor(role: string, clock: Clock = systemClock) {
    this.role = scoped(role);
    this.#name = role;
    this.#clock = clock;
  }

  /** All series in Prometheus' text format. Rejects when a collector fails. */
  async text(): Promise<string> {
    const texts = [this.role.metrics(), this.infrastructure.metrics(), this.#keep(textOfProcess, this.process)];
    return (await Promise.all(texts)).join('');
  }

  /** All series, to be sent. Rejects when a collector fails. */
  read(): Promise<MeterReading[]> {
    return Promise.all([
      reading(this.role, this.#name),
      reading(this.infrastructure, infrastructure),
      this.#keep(reading, this.process),
    ]);
  }

  #keep<T>(read: (registry: Registry) => Promise<T>, registry: Registry): Promise<T> {
    const at = elapsedScale(this.#clock);
    const known = this.#kept.get(read);
    if (known && at - known.at < this.keepProcessMs) return known.value as Promise<T>;
    const value = read(registry);
    this.#kept.set(read, { at, value });
    return value;
  }
}

function textOfProcess(registry: Registry): Promise<string> {
  return registry.metrics();
}

async function reading(registry: Registry, scope = processMeter): Promise<MeterReading> {
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const series = await Promise.all(names.map(async (name) => registry.getSingleMetric(name)?.get()));
  // Its types say that a type is a number; it is the word that stands in the text.
  return { scope, series: series.filter((each) => each !== undefined) as unknown as SeriesReading[] };
}

function scoped(meter: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ otel_scope_name: meter });
  return registry;
}
