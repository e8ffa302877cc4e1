import { readOutcomeEvent, toldEventId, type ToldOutcome } from '../../api/triggers/outcome-event.ts';
import type { KubeObject } from '../../resource.ts';
import type { RunSummary } from '../contract.ts';

export const listenerLabel = 'triggers.tekton.dev/eventlistener';
const eventLabel = 'triggers.tekton.dev/triggers-eventid';
const triggerLabel = 'triggers.tekton.dev/trigger';
const LONGEST_LABEL = 63;

/** An event that an EventListener took, by what each trigger made of it. */
export interface RecentEvent {
  /** Triggers' own id; empty: nobody says. */
  id: string;
  /** When the first of its outcomes was told. */
  time: string;
  runs: readonly { run: RunSummary; trigger: string }[];
  /** What the sink told besides: what was filtered, what failed, and objects that are no runs. */
  told: readonly ToldTrigger[];
}

/** What a sink told of one trigger. */
export interface ToldTrigger extends ToldOutcome {
  key: string;
  time: string;
  /** How often the same became of an event within the hour; this one was the last. */
  count: number;
}

/** A Kubernetes event, as far as one has to be what its writer says. */
export interface KubeEvent extends KubeObject {
  reason?: string;
  message?: string;
  count?: number;
  lastTimestamp?: string | null;
}

/** Query of `GET /v1/runs` for what a listener's events led to; undefined for names that no label can hold. */
export function eventsQuery(namespace: string, listener: string): string | undefined {
  if (listener.length > LONGEST_LABEL) return undefined;
  return new URLSearchParams({ ns: namespace, label: `${listenerLabel}=${listener}` }).toString();
}

/** The Kubernetes events of a listener, as a field selector. */
export function toldSelector(listener: string): string {
  return `involvedObject.kind=EventListener,involvedObject.name=${listener}`;
}

/** Events by what they led to, newest first. A run or outcome that names no event stands for one. */
export function recentEvents(runs: readonly RunSummary[], kubeEvents: readonly KubeEvent[]): RecentEvent[] {
  const byEvent = new Map<string, { runs: RunSummary[]; told: ToldTrigger[] }>();
  const partsOf = (key: string) => {
    const parts = byEvent.get(key) ?? { runs: [], told: [] };
    byEvent.set(key, parts);
    return parts;
  };
  for (const run of runs) partsOf(run.labels[eventLabel] ?? `uid ${run.uid}`).runs.push(run);
  for (const event of kubeEvents) {
    const told = toldTrigger(event);
    if (told !== undefined) partsOf(event.metadata.annotations?.[toldEventId] ?? `uid ${told.key}`).told.push(told);
  }
  return [...byEvent]
    .map(([key, parts]) => eventOf(key.startsWith('uid ') ? '' : key, parts))
    .toSorted((left, right) => (left.time > right.time ? -1 : 1));
}

function eventOf(id: string, { runs, told }: { runs: RunSummary[]; told: ToldTrigger[] }): RecentEvent {
  const times = [...runs.map(({ created }) => created), ...told.map(({ time }) => time)];
  return {
    id,
    time: times.toSorted()[0] ?? '',
    runs: runs.map((run) => ({ run, trigger: run.labels[triggerLabel] ?? '' })),
    told: told.flatMap((each) => withoutRuns(each, runs)),
  };
}

function toldTrigger(event: KubeEvent): ToldTrigger | undefined {
  const told = readOutcomeEvent(event);
  const { uid, name = '', creationTimestamp = '' } = event.metadata;
  return told && { ...told, key: uid ?? name, time: event.lastTimestamp ?? creationTimestamp, count: event.count ?? 1 };
}

/** What was created but runs that are shown themselves. */
function withoutRuns(told: ToldTrigger, runs: readonly RunSummary[]): ToldTrigger[] {
  if (told.outcome !== 'created') return [told];
  const shown = new Set(runs.map(({ kind, name }) => `${kind} ${name}`));
  const others = told.text.split(', ').filter((object) => !shown.has(object));
  return others.length === 0 ? [] : [{ ...told, text: others.join(', ') }];
}

/** What became of an event at a trigger: `filtered`, and `by cel: ...`. */
export function toldWords({ outcome, interceptor = '', text }: ToldOutcome): { word: string; why: string } {
  switch (outcome) {
    case 'created':
      return { word: 'created', why: text === '' ? 'nothing' : text };
    case 'repeated':
      return { word: 'came again', why: text };
    case 'stopped': {
      const by = interceptor === '' ? 'an interceptor' : interceptor;
      return { word: 'filtered', why: `by ${by}${text === '' ? '' : `: ${text}`}` };
    }
    case 'failed':
      return { word: 'failed', why: text.replace(/^failed /, '') };
    default:
      return outcome satisfies never;
  }
}
