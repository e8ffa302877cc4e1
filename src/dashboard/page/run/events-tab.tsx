import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { KubeObject } from '../../../resource.ts';
import { attemptsOf } from '../../view/attempts.ts';
import { followObjects, type Objects } from '../api/objects.ts';
import { pathOf } from '../api/request.ts';
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

const PAGE_SIZE = 500;
const MOST_PAGES = 10;

/** Events of the run, its TaskRuns and their pods, newest first, as they come. */
export default function EventsTab({ name, view, now }: { name: RunName; view: RunView; now: number }): ReactNode {
  const about = useMemo(() => namesOf(name, view), [name.name, name.kind, view]);
  const key = [...about].join(' ');
  const [read, setRead] = useState<Objects<KubeEvent>>();
  useEffect(() => {
    const gone = new AbortController();
    const wanted = new Set(key.split(' '));
    const keep = ({ involvedObject: of }: KubeEvent) => wanted.has(`${of?.kind}/${of?.name}`);
    // Of the whole namespace: a selector can name one object, and a run has many.
    const path = pathOf('api/v1', 'namespaces', name.namespace, 'events');
    void followObjects({ path }, setRead, gone.signal, { keep, pageSize: PAGE_SIZE, mostPages: MOST_PAGES });
    return () => gone.abort();
  }, [name.namespace, key]);
  const events = useMemo(() => newestFirst(read?.byName), [read]);
  if (read === undefined) return <p className="empty">Loading...</p>;
  if (read.problem !== undefined && events.length === 0)
    return <Problem title="Events cannot be read" text={read.problem} />;
  return (
    <TabBody label="Events">
      {read.isCut === true && (
        <p className="muted">
          The namespace has more than {PAGE_SIZE * MOST_PAGES} events, in the order of their names: some of this run may
          be missing. All are told by:{' '}
          <Text of={`kubectl events -n ${name.namespace} --for ${name.kind.toLowerCase()}/${name.name}`} most={600} />
        </p>
      )}
      {events.length === 0 && <p className="muted">There are no events. The API server keeps them for an hour.</p>}
      <ul className="events">
        {events.map((event) => (
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

function newestFirst(byName: ReadonlyMap<string, KubeEvent> = new Map()): KubeEvent[] {
  return [...byName.values()].sort((left, right) => (timeOf(left) > timeOf(right) ? -1 : 1));
}

function timeOf({ lastTimestamp, eventTime, metadata }: KubeEvent): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
}
