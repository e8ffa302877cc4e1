import type { ObservabilityConfig } from './config-observability.ts';
import { ConfigValues, type ConfigProblem } from './values.ts';

/** Where spans of reconciles go. */
export interface TracingConfig {
  enabled: boolean;
  /** config-tracing knows HTTP alone. */
  protocol: 'http/protobuf' | 'grpc';
  /** URL of an OTLP receiver. */
  endpoint: string;
  /** Secret in the controller's namespace with `username` and `password`; '' for none. */
  credentialsSecret: string;
  /** Certificate of the receiver's authority: PEM, or the path of a file with it; '' for none but the usual ones. */
  caCertificate: string;
  /** Which part of the traces that begin here is recorded, 0 to 1. */
  samplingRatio: number;
}

const defaultEndpoint = 'http://jaeger-collector.jaeger.svc.cluster.local:4318/v1/traces';

/** ConfigMap config-tracing; `undefined` gives upstream's defaults: no tracing. Never throws. */
export function parseTracing(data: Readonly<Record<string, string>> | undefined): {
  tracing: TracingConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const tracing: TracingConfig = {
    enabled: values.boolean('enabled', false),
    protocol: 'http/protobuf',
    endpoint: values.sink('endpoint') || defaultEndpoint,
    credentialsSecret: values.text('credentialsSecret', '').trim(),
    caCertificate: values.text('cacert', '').trim(),
    samplingRatio: values.fraction('sampling-ratio', 1),
  };
  // Nothing goes to the default in the place of an endpoint that cannot be read.
  if (values.problems.some(({ key }) => key === 'endpoint')) tracing.enabled = false;
  return { tracing, problems: values.reportUnknownKeys() };
}

/** What is recorded: config-tracing when it is on, else what the tracing-* keys of config-observability ask for. */
export function tracingOf(
  tracing: TracingConfig,
  { tracingProtocol, tracingEndpoint, tracingSamplingRate }: ObservabilityConfig,
): TracingConfig {
  const protocol = tracingProtocol === 'grpc' || tracingProtocol === 'http/protobuf' ? tracingProtocol : undefined;
  if (tracing.enabled || protocol === undefined || tracingEndpoint === '') return tracing;
  return {
    enabled: true,
    protocol,
    endpoint: tracingEndpoint,
    credentialsSecret: '',
    caCertificate: '',
    samplingRatio: tracingSamplingRate,
  };
}
