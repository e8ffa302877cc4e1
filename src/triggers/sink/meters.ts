import { Counter, Histogram, type Registry } from 'prom-client';

/** What one listener's sink measures. */
export interface ListenerMeters {
  received: (status: 'succeeded' | 'failed') => void;
  created: (kind: string) => void;
  /** Returns what ends the time of an answer. */
  timer: () => () => void;
  /** The listener is served here no more. */
  forget: () => void;
}

const ofListener = ['namespace', 'eventlistener'];

/**
 * Upstream's series of a sink. Where one process serves many listeners, the series have the listener's namespace and
 * name as labels besides upstream's own.
 */
export function sinkMeters(
  registry: Registry,
  { isShared }: { isShared: boolean },
): (listener: { namespace: string; name: string }) => ListenerMeters {
  const labels = isShared ? ofListener : [];
  const registers = [registry];
  const received = new Counter({
    name: 'eventlistener_event_received_total',
    help: 'Events by whether they were accepted',
    labelNames: [...labels, 'status'],
    registers,
  });
  const created = new Counter({
    name: 'eventlistener_triggered_resources_total',
    help: 'Objects that events made',
    labelNames: [...labels, 'kind'],
    registers,
  });
  const seconds = new Histogram({
    name: 'eventlistener_http_duration_seconds',
    help: 'How long answers took',
    labelNames: labels,
    buckets: [0.001, 0.01, 0.1, 1, 5, 10],
    registers,
  });
  return ({ namespace, name }) => {
    const own: Record<string, string> = isShared ? { namespace, eventlistener: name } : {};
    const kinds = new Set<string>();
    return {
      received: (status) => received.inc({ ...own, status }),
      created: (kind) => {
        kinds.add(kind);
        created.inc({ ...own, kind });
      },
      timer: () => seconds.startTimer(own),
      forget: () => {
        for (const status of ['succeeded', 'failed']) received.remove({ ...own, status });
        for (const kind of kinds) created.remove({ ...own, kind });
        seconds.remove(own);
      },
    };
  };
}
