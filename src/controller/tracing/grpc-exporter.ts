import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { asError } from '../../errors.ts';
import { grpcWire } from '../../role/observability/otlp-grpc.ts';
import type { Destination } from './destination.ts';

/** Loaded only when spans go over gRPC. */

const method = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** An exporter of spans to a receiver of OTLP over gRPC, with the encoder of OpenTelemetry's own. */
export function grpcExporter({ endpoint, certificates, headers }: Destination): SpanExporter {
  const wire = grpcWire({ endpoint, certificates, method, headers });
  const stop = new AbortController();
  const send = async (spans: ReadableSpan[]): Promise<void> => {
    const body = ProtobufTraceSerializer.serializeRequest(spans);
    if (body === undefined) throw new Error('the spans cannot be encoded');
    const answer = await wire.deliver(Buffer.from(body), stop.signal);
    const { rejectedSpans = 0, errorMessage = '' } =
      ProtobufTraceSerializer.deserializeResponse(answer).partialSuccess ?? {};
    if (rejectedSpans > 0) throw new Error(`it refused ${rejectedSpans} spans: ${errorMessage}`);
  };
  return {
    export(spans, done: (result: ExportResult) => void): void {
      send(spans).then(
        () => done({ code: ExportResultCode.SUCCESS }),
        (error: unknown) => done({ code: ExportResultCode.FAILED, error: asError(error) }),
      );
    },
    shutdown: () => {
      stop.abort();
      return wire.close();
    },
    forceFlush: () => Promise.resolve(),
  };
}
