import { rootCertificates } from 'node:tls';
import {
  context,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api';
import { ExportResultCode, W3CTraceContextPropagator, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { RunKind } from '../../core/owner.ts';
import { givenCarrier, type SpanCarrier } from '../../core/span-context.ts';
import { messageOf } from '../../errors.ts';
import type { ReconcileSpan, TracedRun, Tracing } from '../../reconcilers/tracing.ts';
import type { Destination } from './destination.ts';

/** Loaded only when tracing is switched on: the OpenTelemetry SDK is in nobody else's memory. */

export interface OpenTracing extends Tracing {
  /** Sends what is left, for a moment. */
  close(): Promise<void>;
}

/** Spans that wait to be sent; more than these are dropped. A span is about a kilobyte. */
const mostWaiting = 4_096;
const sendTimeoutMs = 10_000;

/** Spans of reconciles to a receiver of OTLP, under upstream's names. */
export async function openTracing(destination: Destination): Promise<OpenTracing> {
  const exporter =
    destination.protocol === 'grpc'
      ? (await import('./grpc-exporter.ts')).grpcExporter(destination)
      : httpExporter(destination);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'tekton-pipelines-controller' }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(destination.samplingRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: telling(exporter, destination.onExport),
        maxQueueSize: mostWaiting,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: sendTimeoutMs,
      }),
    ],
  });
  const propagator = new W3CTraceContextPropagator();
  return {
    begin: (kind, run) => new RunSpans(provider.getTracer(`${kind}Reconciler`), propagator).begin(kind, run),
    close: () => provider.shutdown(),
  };
}

function httpExporter({ endpoint, certificates, headers }: Destination): SpanExporter {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return new OTLPTraceExporter({
    url: url.href,
    headers,
    timeoutMillis: sendTimeoutMs,
    concurrencyLimit: 2,
    ...(url.protocol === 'https:' ? { httpAgentOptions: { ca: [...rootCertificates, ...certificates] } } : {}),
  });
}

/** An exporter that says what became of each batch, once. */
function telling(inner: SpanExporter, told: Destination['onExport']): SpanExporter {
  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
      inner.export(spans, (result) => {
        const failure =
          result.code === ExportResultCode.SUCCESS
            ? undefined
            : (result.error ?? new Error('the receiver did not take it'));
        told(spans.length, failure);
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
    forceFlush: () => inner.forceFlush?.() ?? Promise.resolve(),
  };
}

class RunSpans {
  readonly #tracer: Tracer;
  readonly #propagator: TextMapPropagator<Record<string, string>>;

  constructor(tracer: Tracer, propagator: TextMapPropagator<Record<string, string>>) {
    this.#tracer = tracer;
    this.#propagator = propagator;
  }

  /** A run that belongs to no span begins a trace. Its root ends at once, as upstream's: later replicas go on in it. */
  begin(kind: RunKind, run: TracedRun): ReconcileSpan {
    const { namespace = '', name = '' } = run.metadata;
    const attributes = { [kind.toLowerCase()]: name, namespace };
    const given = givenCarrier(kind, run);
    const parent = given ? this.#extract(given) : this.#root(kind, attributes);
    const span = this.#tracer.startSpan(`${kind}:ReconcileKind`, { attributes }, parent);
    const within = trace.setSpan(parent, span);
    return {
      carrier: given ?? this.#inject(parent),
      during: (label, work) => this.#during(label, within, work),
      end: (error) => finish(span, error),
    };
  }

  #root(kind: RunKind, attributes: Record<string, string>): Context {
    const root = this.#tracer.startSpan(`${kind}:Reconciler`, { attributes, root: true });
    root.end();
    return trace.setSpan(context.active(), root);
  }

  async #during<T>(name: string, parent: Context, work: (carrier: SpanCarrier) => Promise<T>): Promise<T> {
    const span = this.#tracer.startSpan(name, {}, parent);
    try {
      const result = await work(this.#inject(trace.setSpan(parent, span)));
      finish(span, undefined);
      return result;
    } catch (error) {
      finish(span, error);
      throw error;
    }
  }

  #inject(within: Context): SpanCarrier {
    const carrier: Record<string, string> = {};
    this.#propagator.inject(within, carrier, { set: (into, key, value) => (into[key] = value) });
    return carrier;
  }

  #extract(carrier: SpanCarrier): Context {
    const getter = {
      get: (from: SpanCarrier, key: string) => from[key],
      keys: (from: SpanCarrier) => Object.keys(from),
    };
    return this.#propagator.extract(context.active(), { ...carrier }, getter);
  }
}

function finish(span: Span, error: unknown): void {
  if (error !== undefined) {
    const message = messageOf(error).slice(0, mostOfMessage);
    span.recordException({ name: error instanceof Error ? error.name : 'Error', message });
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}

/** Of a message that may quote what users wrote. */
const mostOfMessage = 1_000;
