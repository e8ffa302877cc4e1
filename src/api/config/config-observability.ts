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
  metricsProtocol: 'prometheus' | 'grpc' | 'http/protobuf' | 'none';
  metricsEndpoint: string;
  /** Milliseconds; 0: the protocol's own. */
  metricsExportIntervalMs: number;
  tracingProtocol: 'none' | 'grpc' | 'http/protobuf' | 'stdout';
  tracingEndpoint: string;
  /** 0 to 1. */
  tracingSamplingRate: number;
  runtimeProfiling: boolean;
  runtimeExportIntervalMs: number;
}

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
    metricsProtocol: values.oneOf('metrics-protocol', 'prometheus', ['prometheus', 'grpc', 'http/protobuf', 'none']),
    metricsEndpoint: values.text('metrics-endpoint', ''),
    metricsExportIntervalMs: values.durationMs('metrics-export-interval', 0),
    tracingProtocol: values.oneOf('tracing-protocol', 'none', ['none', 'grpc', 'http/protobuf', 'stdout']),
    tracingEndpoint: values.text('tracing-endpoint', ''),
    tracingSamplingRate: values.fraction('tracing-sampling-rate', 1),
    runtimeProfiling: values.oneOf('runtime-profiling', 'disabled', ['enabled', 'disabled']) === 'enabled',
    runtimeExportIntervalMs: values.durationMs('runtime-export-interval', 0),
  };
  const isLegacy = (key: string) => LEGACY.some((prefix) => key.startsWith(prefix));
  return { observability, problems: values.reportUnknownKeys(isLegacy) };
}
