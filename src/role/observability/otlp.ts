import type { MetricsPushConfig } from '../../api/config/config-observability.ts';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { HttpClient } from '../../http/client.ts';
import type { Environment } from '../flags.ts';
import type { MeterReading } from '../meters.ts';
import type { Wire } from './otlp-grpc.ts';
import { otlpSeries, type Period } from './otlp-series.ts';

/** Loaded only when metrics are pushed: OpenTelemetry's encoder is in nobody else's memory. */

export interface MetricsReceiver extends Pick<MetricsPushConfig, 'protocol' | 'endpoint'> {
  /** PEM, beside the usual ones. */
  certificates: readonly string[];
  /** OpenTelemetry's variables of headers are read in it. */
  env: Environment;
  /** Who sends: service.name and so on. */
  attributes: Readonly<Record<string, string>>;
}

export interface MetricsSender {
  /** Rejects when the receiver did not take all of it. */
  send(readings: readonly MeterReading[], period: Period, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** For one sending with its retries. */
const sendMs = 10_000;
const longestAnswer = 1 << 16;
const method = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** Metrics to a receiver of OTLP. Nothing goes over the wire yet. */
export async function openSender(receiver: MetricsReceiver): Promise<MetricsSender> {
  const resource = resourceFromAttributes({ ...receiver.attributes });
  const wire = receiver.protocol === 'grpc' ? await overGrpc(receiver) : httpWire(receiver);
  return {
    send: async (readings, period, signal) => {
      const metrics = { resource, scopeMetrics: otlpSeries(readings, period) };
      const body = ProtobufMetricsSerializer.serializeRequest(metrics);
      if (body === undefined) throw new Error('the metrics cannot be encoded');
      const answer = ProtobufMetricsSerializer.deserializeResponse(await wire.deliver(Buffer.from(body), signal));
      const { rejectedDataPoints = 0, errorMessage = '' } = answer.partialSuccess ?? {};
      if (rejectedDataPoints > 0) throw new Error(`it refused ${rejectedDataPoints} values: ${errorMessage}`);
    },
    close: () => wire.close(),
  };
}

/** As OpenTelemetry's exporters take headers of requests, for credentials too. */
function headersOf(env: Environment): Record<string, string> {
  return {
    ...parseKeyPairsIntoRecord(env['OTEL_EXPORTER_OTLP_HEADERS'] ?? ''),
    ...parseKeyPairsIntoRecord(env['OTEL_EXPORTER_OTLP_METRICS_HEADERS'] ?? ''),
  };
}

function httpWire({ endpoint, certificates, env }: MetricsReceiver): Wire {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/metrics';
  // Where metrics go is the operator's to say, wherever that is.
  const client = new HttpClient({ anyDestination: true, ca: [...certificates] });
  const headers = { 'content-type': 'application/x-protobuf', ...headersOf(env) };
  return {
    deliver: async (body, signal) => {
      const request = { method: 'POST', url, operation: 'metrics', headers, body, secret: true } as const;
      const answer = await client.send({ ...request, limit: longestAnswer, deadlineMs: sendMs }, signal);
      if (answer.status < 200 || answer.status > 299) throw new Error(`it answered ${answer.status}`);
      return answer.body;
    },
    close: () => client.close(),
  };
}

async function overGrpc({ endpoint, certificates, env }: MetricsReceiver): Promise<Wire> {
  const { grpcWire } = await import('./otlp-grpc.ts');
  const headers = headersOf(env);
  return grpcWire({ endpoint, certificates, method, headers: () => Promise.resolve(headers) });
}
