import type { RunSummary } from '../contract.ts';

export const listenerLabel = 'triggers.tekton.dev/eventlistener';
const eventLabel = 'triggers.tekton.dev/triggers-eventid';
const triggerLabel = 'triggers.tekton.dev/trigger';
const LONGEST_LABEL = 63;

/** An event that an EventListener took, by what it led to. */
export interface RecentEvent {
  /** Triggers' own id; empty: the runs do not say. */
  id: string;
  /** When the first of its runs was created. */
  time: string;
  runs: readonly { run: RunSummary; trigger: string }[];
}

/** Query of `GET /v1/runs` for what a listener's events led to; undefined for names that no label can hold. */
export function eventsQuery(namespace: string, listener: string): string | undefined {
  if (listener.length > LONGEST_LABEL) return undefined;
  return new URLSearchParams({ ns: namespace, label: `${listenerLabel}=${listener}` }).toString();
}

/** The events behind some runs, newest first. A run that names no event stands for one. */
export function recentEvents(runs: readonly RunSummary[]): RecentEvent[] {
  const byEvent = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const key = run.labels[eventLabel] ?? `uid ${run.uid}`;
    byEvent.set(key, [...(byEvent.get(key) ?? []), run]);
  }
  return [...byEvent.values()]
    .map((own) => ({
      id: own[0]?.labels[eventLabel] ?? '',
      time: own.map(({ created }) => created).toSorted()[0] ?? '',
      runs: own.map((run) => ({ run, trigger: run.labels[triggerLabel] ?? '' })),
    }))
    .toSorted((left, right) => (left.time > right.time ? -1 : 1));
}
