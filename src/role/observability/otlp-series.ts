import { ValueType, type HrTime } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type MetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { MeterReading, SeriesReading } from '../meters.ts';

/** From when counters count, until when: milliseconds since 1970. */
export interface Period {
  startMs: number;
  endMs: number;
}

/** What was read for Prometheus, in the form of OpenTelemetry: the same names, so that dashboards find them. */
export function otlpSeries(readings: readonly MeterReading[], period: Period): ScopeMetrics[] {
  const [startTime, endTime] = [hrTime(period.startMs), hrTime(period.endMs)];
  const point: MakePoint = (attributes, value) => ({ startTime, endTime, attributes, value });
  return readings.map(({ scope, series }) => ({
    scope: { name: scope },
    metrics: series.filter(({ values }) => values.length > 0).map((each) => metricData(each, point)),
  }));
}

type Attributes = Readonly<Record<string, string>>;
type MakePoint = <T>(attributes: Attributes, value: T) => DataPoint<T>;

function metricData({ name, help, type, values }: SeriesReading, point: MakePoint): MetricData {
  const descriptor = { name, description: help, unit: unitOf(name), valueType: ValueType.DOUBLE };
  const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  const simple = () => values.map(({ labels, value }) => point(attributesOf(labels), value));
  switch (type) {
    case 'counter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: simple() };
    case 'histogram':
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramPoints(values, point) };
    case 'gauge':
    // OpenTelemetry has no summaries: each quantile is a value of its own.
    case 'summary':
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: simple() };
  }
}

/** UCUM's, which is how OpenTelemetry names units. */
function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return 's';
  if (name.endsWith('_milliseconds')) return 'ms';
  return /_bytes(_total)?$/.test(name) ? 'By' : '1';
}

/** Prometheus counts what is in a bucket and all below it, OpenTelemetry what is in a bucket alone. */
function histogramPoints(values: SeriesReading['values'], point: MakePoint) {
  const found = new Map<string, { attributes: Attributes; upTo: [number, number][]; sum: number }>();
  for (const { labels, value, metricName = '' } of values) {
    const { le, ...others } = labels;
    const attributes = attributesOf(others);
    const key = JSON.stringify(Object.entries(attributes).sort());
    const one = found.get(key) ?? { attributes, upTo: [], sum: 0 };
    found.set(key, one);
    if (le !== undefined) one.upTo.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value]);
    else if (metricName.endsWith('_sum')) one.sum = value;
  }
  return [...found.values()].map(({ attributes, upTo, sum }) => {
    const sorted = upTo.sort(([left], [right]) => left - right);
    const counts = sorted.map(([, count], place) => count - (sorted[place - 1]?.[1] ?? 0));
    const boundaries = sorted.map(([boundary]) => boundary).filter(Number.isFinite);
    return point(attributes, { buckets: { boundaries, counts }, sum, count: sorted.at(-1)?.[1] ?? 0 });
  });
}

function attributesOf(labels: Readonly<Record<string, string | number | undefined>>): Attributes {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
}
