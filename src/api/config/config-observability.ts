import { ConfigValues, type ConfigProblem } from './values.ts';

export type DurationType = 'histogram' | 'lastvalue';

/** Which labels the metrics of runs carry: part of ConfigMap config-observability (docs/metrics.md). */
export interface MetricsConfig {
  taskrunLevel: 'taskrun' | 'task' | 'namespace';
  taskrunDurationType: DurationType;
  pipelinerunLevel: 'pipelinerun' | 'pipeline' | 'namespace';
  pipelinerunDurationType: DurationType;
  /** "": one number for the cluster. */
  runningPipelinerunLevel: '' | 'namespace' | 'pipeline' | 'pipelinerun';
  countWithReason: boolean;
  throttleWithNamespace: boolean;
}

/** ConfigMap config-observability: metrics of runs, and what is exported how. */
export interface ObservabilityConfig {
  metrics: MetricsConfig;
  export: MetricsExport;
  tracingProtocol: 'none' | 'grpc' | 'http/protobuf' | 'stdout';
  tracingEndpoint: string;
  /** 0 to 1. */
  tracingSamplingRate: number;
  runtimeProfiling: boolean;
  /** For so long what was read of the process itself serves; 0: it is read each time. */
  runtimeExportIntervalMs: number;
}

/** What becomes of the metrics. */
export type MetricsExport =
  /** Served as Prometheus text. `address` is host:port, '' for the port of the process. */
  { protocol: 'prometheus'; address: string } | MetricsPushConfig | { protocol: 'none' };

/** Metrics are sent to a receiver of OTLP. */
export interface MetricsPushConfig {
  protocol: 'grpc' | 'http/protobuf';
  /** http: or https:. */
  endpoint: string;
  intervalMs: number;
}

/** OpenTelemetry's own. */
const usualIntervalMs = 60_000;
const leastIntervalMs = 1_000;

/** Keys of knative's older configuration, which upgraded clusters still have: read no more, no cause for a warning. */
const LEGACY = ['metrics.', 'profiling.', 'tracing.', 'request-metrics-', 'logging.'];

/** The settings of ConfigMap config-observability; `undefined` gives the defaults. Never throws. */
export function parseObservability(data: Readonly<Record<string, string>> | undefined): {
  observability: ObservabilityConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const observability: ObservabilityConfig = {
    metrics: {
      taskrunLevel: values.oneOf('metrics.taskrun.level', 'task', ['taskrun', 'task', 'namespace']),
      taskrunDurationType: values.oneOf('metrics.taskrun.duration-type', 'histogram', ['histogram', 'lastvalue']),
      pipelinerunLevel: values.oneOf('metrics.pipelinerun.level', 'pipeline', ['pipelinerun', 'pipeline', 'namespace']),
      pipelinerunDurationType: values.oneOf('metrics.pipelinerun.duration-type', 'histogram', [
        'histogram',
        'lastvalue',
      ]),
      runningPipelinerunLevel: values.oneOf('metrics.running-pipelinerun.level', '', [
        '',
        'namespace',
        'pipeline',
        'pipelinerun',
      ]),
      countWithReason: values.boolean('metrics.count.enable-reason', false),
      throttleWithNamespace: values.boolean('metrics.taskrun.throttle.enable-namespace', false),
    },
    export: metricsExport(values),
    tracingProtocol: values.oneOf('tracing-protocol', 'none', ['none', 'grpc', 'http/protobuf', 'stdout']),
    tracingEndpoint: tracingEndpoint(values),
    tracingSamplingRate: values.fraction('tracing-sampling-rate', 1),
    runtimeProfiling: values.oneOf('runtime-profiling', 'disabled', ['enabled', 'disabled']) === 'enabled',
    runtimeExportIntervalMs: values.durationMs('runtime-export-interval', 0),
  };
  const isLegacy = (key: string) => LEGACY.some((prefix) => key.startsWith(prefix));
  return { observability, problems: values.reportUnknownKeys(isLegacy) };
}

const noUrl = 'is not the URL of an OTLP receiver: use one that begins with http:// or https://, without a user name';

/** What cannot be sent is served, so that an alert on what is served can tell. */
function metricsExport(values: ConfigValues): MetricsExport {
  const key = 'metrics-endpoint';
  const protocol = values.oneOf('metrics-protocol', 'prometheus', ['prometheus', 'grpc', 'http/protobuf', 'none']);
  const intervalMs = exportInterval(values);
  const given = values.text(key, '').trim();
  const problem = (why: string) => values.problems.push({ kind: 'invalid-value', key, message: `key ${key} ${why}` });
  const refuse = (why: string) => {
    problem(`${why}; metrics are served on the usual port until you correct it`);
    return { protocol: 'prometheus', address: '' } as const;
  };
  switch (protocol) {
    case 'none':
      if (given !== '') problem(`has no effect while metrics-protocol is "none": remove it`);
      return { protocol };
    case 'prometheus':
      if (given === '' || /^(\[[^\]]+\]|[^:\s/]*):\d{1,5}$/.test(given)) return { protocol, address: given };
      return refuse(
        `is ${JSON.stringify(given)}, which is no address to serve metrics at: use host:port, such as 0.0.0.0:9090`,
      );
    case 'grpc':
    case 'http/protobuf': {
      if (given === '')
        return refuse(
          `is missing, which metrics-protocol ${JSON.stringify(protocol)} needs: set the URL of an OTLP receiver`,
        );
      const endpoint = endpointUrl(given);
      if (endpoint === undefined) return refuse(noUrl);
      return { protocol, endpoint, intervalMs };
    }
  }
}

/** What is no URL counts as missing, and is told. */
function tracingEndpoint(values: ConfigValues): string {
  const key = 'tracing-endpoint';
  const given = values.text(key, '').trim();
  if (given === '') return '';
  const endpoint = endpointUrl(given);
  if (endpoint === undefined) values.problems.push({ kind: 'invalid-value', key, message: `key ${key} ${noUrl}` });
  return endpoint ?? '';
}

/** As upstream's exporters take it: what has no scheme is https. It may hold a password, hence is not told. */
function endpointUrl(given: string): string | undefined {
  const text = given.includes('://') ? given : `https://${given}`;
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '' ? text : undefined;
}

function exportInterval(values: ConfigValues): number {
  const key = 'metrics-export-interval';
  const ms = values.durationMs(key, 0) || usualIntervalMs;
  if (ms >= leastIntervalMs) return ms;
  const message = `key ${key} is below 1s; 1s is used until you correct it`;
  values.problems.push({ kind: 'invalid-value', key, message });
  return leastIntervalMs;
}
