import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { KubeObject } from '../../../resource.ts';
import { attemptsOf } from '../../view/attempts.ts';
import { pathOf, readJson, textOf } from '../api/request.ts';
import { Problem } from '../parts/problem.tsx';
import { Text } from '../parts/text.tsx';
import { Ago } from '../parts/time.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import type { RunName, RunView } from './use-run.ts';

interface KubeEvent extends KubeObject {
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  lastTimestamp?: string;
  eventTime?: string;
  involvedObject?: { kind?: string; name?: string };
}

interface EventList {
  events: KubeEvent[];
  /** There were more in the namespace than are read. */
  isCut: boolean;
}

const PAGE = 500;
const MOST_PAGES = 10;

/** Events of the run, its TaskRuns and their pods, newest first. */
export default function EventsTab({ name, view, now }: { name: RunName; view: RunView; now: number }): ReactNode {
  const about = useMemo(() => namesOf(name, view), [name.name, name.kind, view]);
  const key = [...about].join(' ');
  const version = view.run?.metadata.resourceVersion;
  const [read, setRead] = useState<EventList>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const gone = new AbortController();
    const wanted = new Set(key.split(' '));
    readEvents(name.namespace, wanted, gone.signal).then(
      (events) => {
        setRead(events);
        setProblem(undefined);
      },
      (error: unknown) => gone.signal.aborted || setProblem(textOf(error)),
    );
    return () => gone.abort();
    // Again when the run has changed: that is when events come.
  }, [name.namespace, key, version]);
  if (problem !== undefined) return <Problem title="Events cannot be read" text={problem} />;
  if (read === undefined) return <p className="empty">Loading...</p>;
  return (
    <TabBody label="Events">
      {read.isCut && (
        <p className="muted">The namespace has more than {PAGE * MOST_PAGES} events: older ones are missing.</p>
      )}
      {read.events.length === 0 && <p className="muted">There are no events. The API server keeps them for an hour.</p>}
      <ul className="events">
        {read.events.map((event) => (
          <li key={event.metadata.uid} className={event.type === 'Warning' ? 'event warning' : 'event'}>
            <span className="event-reason">
              {event.type === 'Warning' && <span className="badge bad">warning</span>} <Text of={event.reason ?? ''} />
              {(event.count ?? 1) > 1 && <span className="muted"> {event.count} times</span>}
            </span>
            <span className="muted">
              <Text of={`${event.involvedObject?.kind} ${event.involvedObject?.name}`} most={300} />
            </span>
            <span className="muted">
              <Ago time={timeOf(event)} now={now} />
            </span>
            <p>
              <Text of={event.message ?? ''} />
            </p>
          </li>
        ))}
      </ul>
    </TabBody>
  );
}

function namesOf({ kind, name }: RunName, { taskRuns, graph }: RunView): Set<string> {
  const children = graph.nodes.flatMap((node) => node.children);
  const pods = children.flatMap((child) => {
    const run = taskRuns.get(child.name);
    return run === undefined ? [] : attemptsOf(run).flatMap(({ pod }) => (pod === undefined ? [] : [`Pod/${pod}`]));
  });
  return new Set([`${kind}/${name}`, ...children.map((child) => `${child.kind}/${child.name}`), ...pods]);
}

async function readEvents(namespace: string, about: ReadonlySet<string>, signal: AbortSignal): Promise<EventList> {
  const path = pathOf('api/v1', 'namespaces', namespace, 'events');
  const events: KubeEvent[] = [];
  let next: string | undefined;
  let page = 0;
  do {
    const query = new URLSearchParams({ limit: PAGE.toString(), ...(next === undefined ? {} : { continue: next }) });
    const list = await readJson<{ items: KubeEvent[]; metadata: { continue?: string } }>(`${path}?${query}`, signal);
    events.push(...list.items.filter(({ involvedObject: of }) => about.has(`${of?.kind}/${of?.name}`)));
    next = list.metadata.continue || undefined;
    page += 1;
  } while (next !== undefined && page < MOST_PAGES);
  events.sort((left, right) => (timeOf(left) > timeOf(right) ? -1 : 1));
  return { events, isCut: next !== undefined };
}

function timeOf({ lastTimestamp, eventTime, metadata }: KubeEvent): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
}
