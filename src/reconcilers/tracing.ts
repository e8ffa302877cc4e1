import type { RunKind } from '../core/owner.ts';
import type { SpanCarrier } from '../core/span-context.ts';
import type { KubeObject } from '../kube/object.ts';

/** A run as tracing sees it. */
export type TracedRun = KubeObject & { status?: { spanContext?: SpanCarrier | undefined } | undefined };

/** Records how long what takes, without ever holding it up. */
export interface Tracing {
  /** The span of one reconcile of a run; undefined while nothing is recorded. */
  begin(kind: RunKind, run: TracedRun): ReconcileSpan | undefined;
}

export interface ReconcileSpan {
  /** The span that the run belongs to, for its status. */
  readonly carrier: SpanCarrier;
  /** Work in a span of its own; it is given the span, to hand on to what it makes. Its failure is the span's. */
  during<T>(name: string, work: (carrier: SpanCarrier) => Promise<T>): Promise<T>;
  /** @param error what the reconcile ended with, if it failed */
  end(error?: unknown): void;
}

/** Upstream's names of spans that every kind of run has. */
export const spans = {
  metadata: 'updateLabelsAndAnnotations',
  status: 'finishReconcileUpdateEmitEvents',
} as const;

/** Work within a span, if there is one. */
export function during<T>(
  span: ReconcileSpan | undefined,
  name: string,
  work: (carrier?: SpanCarrier) => Promise<T>,
): Promise<T> {
  return span ? span.during(name, work) : work();
}

/** A reconcile within its span, if there is one. */
export async function traced<T>(span: ReconcileSpan | undefined, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span?.end();
    return result;
  } catch (error) {
    span?.end(error);
    throw error;
  }
}
