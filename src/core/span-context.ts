import type { ObjectMeta } from '../api/meta.ts';

/** Where a span is in its trace, as headers have it (W3C Trace Context): `traceparent` and perhaps `tracestate`. */
export type SpanCarrier = Readonly<Record<string, string>>;

/** Upstream's annotations, in which a run is told of the span that it was made in. */
export const spanContextAnnotations = {
  PipelineRun: 'tekton.dev/pipelinerunSpanContext',
  TaskRun: 'tekton.dev/taskrunSpanContext',
  CustomRun: 'tekton.dev/customrunSpanContext',
} as const;

/** Upstream's bound of a carrier as JSON, bytes. */
const largestCarrier = 1_024;

/**
 * The span that a run belongs to: as its status has it, else as whoever made it says in its annotation. What is none is
 * passed over, for an annotation is anybody's: the run then begins a trace of its own.
 */
export function givenCarrier(
  kind: 'PipelineRun' | 'TaskRun',
  { metadata, status }: { metadata: ObjectMeta; status?: { spanContext?: SpanCarrier | undefined } | undefined },
): SpanCarrier | undefined {
  const recorded = carrierIn(status?.spanContext);
  if (recorded) return recorded;
  const told = metadata.annotations?.[spanContextAnnotations[kind]];
  if (told === undefined || told.length >= largestCarrier) return undefined;
  try {
    return carrierIn(JSON.parse(told));
  } catch {
    // No JSON: as if it were not there.
    return undefined;
  }
}

/** As an annotation has it; undefined when it is too large. */
export function writtenCarrier(carrier: SpanCarrier): string | undefined {
  const text = JSON.stringify(carrier);
  return text.length < largestCarrier ? text : undefined;
}

const traceParent = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

function carrierIn(value: unknown): SpanCarrier | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { traceparent, tracestate } = value as Record<string, unknown>;
  if (typeof traceparent !== 'string' || !traceParent.test(traceparent)) return undefined;
  return typeof tracestate === 'string' && tracestate !== '' && tracestate.length < largestCarrier
    ? { traceparent, tracestate }
    : { traceparent };
}
