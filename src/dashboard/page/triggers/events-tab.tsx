import { useSyncExternalStore, type ReactNode } from 'react';
import { Link } from 'wouter';
import { eventsQuery, recentEvents, type RecentEvent } from '../../view/recent-events.ts';
import type { ObjectName } from '../objects/address.ts';
import { Problem } from '../parts/problem.tsx';
import { Status } from '../parts/status.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';
import { feedOf } from '../runs/run-feed.ts';

/** What the last events led to, by the labels of the runs that are there. */
export function EventsTab({ name: { namespace = '', name } }: { name: ObjectName }): ReactNode {
  const query = eventsQuery(namespace, name);
  if (query === undefined)
    return <p className="empty">Its name is longer than a label holds: no run can say that it came from it.</p>;
  return <Events query={query} namespace={namespace} />;
}

const MOST_EVENTS = 50;

function Events({ query, namespace }: { query: string; namespace: string }): ReactNode {
  const feed = feedOf(query);
  const { list, problem } = useSyncExternalStore(feed.subscribe, feed.snapshot);
  const now = useNow(20_000);
  if (problem !== undefined) return <Problem title="The runs cannot be read" text={problem} />;
  if (list === undefined) return <p className="empty">Loading...</p>;
  const runs = [...list.fresh, ...list.shown.filter(({ uid }) => !list.gone.has(uid))];
  const events = recentEvents(runs).slice(0, MOST_EVENTS);
  return (
    <TabBody label="Recent events">
      <section>
        <p className="muted">
          Events that led to runs in <Text of={namespace} />. What an interceptor let go by, and why, is in the log of
          the EventListener: <code>tektite eventlistener logs</code>
        </p>
        {events.length === 0 && <p className="muted">No run says that it came from it.</p>}
        <ol className="declared">
          {events.map((event) => (
            <Event key={event.runs[0]?.run.uid} event={event} now={now} />
          ))}
        </ol>
        <p>
          <Link href={`/runs?${query}`}>All its runs</Link>
        </p>
      </section>
    </TabBody>
  );
}

function Event({ event: { id, time, runs }, now }: { event: RecentEvent; now: number }): ReactNode {
  return (
    <li>
      <p>
        <span className="declared-name">{id === '' ? 'An event' : <Text of={`Event ${id}`} most={80} />}</span>{' '}
        <span className="muted">
          <Ago time={time} now={now} />
        </span>
      </p>
      <ul className="event-runs">
        {runs.map(({ run, trigger }) => (
          <li key={run.uid}>
            <Status status={run.status} />{' '}
            <Link href={runHref(run)}>
              <Text of={run.name} most={253} />
            </Link>
            {trigger !== '' && (
              <span className="muted">
                {' '}
                by <Text of={trigger} most={63} />
              </span>
            )}
          </li>
        ))}
      </ul>
    </li>
  );
}
