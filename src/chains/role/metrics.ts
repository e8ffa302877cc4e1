import { Counter, Histogram, type Registry } from 'prom-client';
import type { RunKind } from '../annotations.ts';
import type { SigningMetrics } from '../reconciler/options.ts';
import type { Observe } from '../signing/service.ts';

/** Seconds: a key in memory signs in milliseconds, a certificate takes a second, a backlog hours. */
const waiting = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 14400];
const calls = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const counted = {
  sign_created: 'signed messages',
  payload_uploaded: 'uploaded payloads',
  payload_stored: 'stored payloads',
  marked_signed: 'objects marked as signed',
} as const;
type Counted = keyof typeof counted;

/** Upstream's counters under upstream's names, and what it lacks: how long everything takes. */
export function createSigningMetrics(registry: Registry): SigningMetrics & { observe: Observe } {
  const registers = [registry];
  const both = <T>(make: (kind: RunKind) => T): Record<RunKind, T> => ({
    taskrun: make('taskrun'),
    pipelinerun: make('pipelinerun'),
  });
  const counters = both(
    (kind) =>
      Object.fromEntries(
        Object.entries(counted).map(([name, text]) => [
          name,
          new Counter({
            name: `watcher_${kind}_${name}_total`,
            help: `Total number of ${text} for ${kind}s`,
            registers,
          }),
        ]),
      ) as Record<Counted, Counter>,
  );
  const failures = both(
    (kind) =>
      new Counter({
        name: `watcher_${kind}_signing_failures_total`,
        help: `Total number of ${kind} signing failures`,
        labelNames: ['error_type'],
        registers,
      }),
  );
  const failed = new Counter({
    name: 'watcher_marked_failed_total',
    help: 'Runs that are not signed and are not tried again',
    labelNames: ['kind'],
    registers,
  });
  // There from the start: of a series that begins with its first run, Prometheus sees no increase, and no alert comes.
  for (const kind of ['taskrun', 'pipelinerun'] satisfies RunKind[]) failed.inc({ kind }, 0);
  const latency = new Histogram({
    name: 'watcher_completion_to_signed_seconds',
    help: 'From the completion of a run to the mark that it is signed',
    labelNames: ['kind'],
    buckets: waiting,
    registers,
  });
  const services = new Histogram({
    name: 'watcher_service_call_seconds',
    help: 'Calls to fulcio, rekor, tsa and kms, retries included',
    labelNames: ['service', 'outcome'],
    buckets: calls,
    registers,
  });
  const storing = new Histogram({
    name: 'watcher_storage_seconds',
    help: 'Storing one signed payload; backend oci is the registry',
    labelNames: ['backend', 'outcome'],
    buckets: calls,
    registers,
  });
  return {
    signCreated: (kind) => counters[kind].sign_created.inc(),
    payloadUploaded: (kind) => counters[kind].payload_uploaded.inc(),
    payloadStored: (kind) => counters[kind].payload_stored.inc(),
    markedSigned: (kind, seconds) => {
      counters[kind].marked_signed.inc();
      latency.observe({ kind }, seconds);
    },
    markedFailed: (kind) => failed.inc({ kind }),
    failed: (kind, type) => failures[kind].inc({ error_type: type }),
    storing: (backend, outcome, seconds) => storing.observe({ backend, outcome }, seconds),
    observe: (service, seconds, outcome) => services.observe({ service, outcome }, seconds),
  };
}
