import { useSyncExternalStore, type ReactNode } from 'react';
import { Link } from 'wouter';
import { answerAnnotation, type TriggerResult } from '../../../api/triggers/outcome-event.ts';
import type { KubeObject } from '../../../resource.ts';
import {
  eventsQuery,
  recentEvents,
  toldSelector,
  toldWords,
  type KubeEvent,
  type RecentEvent,
  type ToldTrigger,
} from '../../view/recent-events.ts';
import { pathOf } from '../api/request.ts';
import { useObjects } from '../api/use-objects.ts';
import type { ObjectName } from '../objects/address.ts';
import { Problem } from '../parts/problem.tsx';
import { Status, StatusIcon } from '../parts/status.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';
import { feedOf } from '../runs/run-feed.ts';

interface TabProps {
  name: ObjectName;
  listener: KubeObject;
}

/** What each trigger made of the last events: by the labels of runs, and by what the sink tells. */
export function EventsTab({ name: { namespace = '', name }, listener }: TabProps): ReactNode {
  const query = eventsQuery(namespace, name);
  if (query === undefined)
    return <p className="empty">Its name is longer than a label holds: no run can say that it came from it.</p>;
  const isTelling = listener.metadata.annotations?.[answerAnnotation] === 'outcome';
  return <Events query={query} namespace={namespace} name={name} isTelling={isTelling} />;
}

const MOST_EVENTS = 50;

interface EventsProps {
  query: string;
  namespace: string;
  name: string;
  isTelling: boolean;
}

function Events({ query, namespace, name, isTelling }: EventsProps): ReactNode {
  const feed = feedOf(query);
  const { list, problem } = useSyncExternalStore(feed.subscribe, feed.snapshot);
  const told = useObjects<KubeEvent>({
    path: pathOf('api/v1', 'namespaces', namespace, 'events'),
    fieldSelector: toldSelector(name),
  });
  const now = useNow(20_000);
  if (problem !== undefined) return <Problem title="The runs cannot be read" text={problem} />;
  if (list === undefined || !(told.isLoaded || told.problem)) return <p className="empty">Loading...</p>;
  const runs = [...list.fresh, ...list.shown.filter(({ uid }) => !list.gone.has(uid))];
  const events = recentEvents(runs, [...told.byName.values()]).slice(0, MOST_EVENTS);
  return (
    <TabBody label="Recent events">
      <section>
        <p className="muted">
          What the triggers made of the last events, in <Text of={namespace} />: runs, and what its sink told within the
          hour that Kubernetes keeps it.
        </p>
        {told.problem !== undefined && <Problem title="What its sink told cannot be read" text={told.problem} />}
        {!isTelling && events.every(({ told: all }) => all.every(({ outcome }) => outcome === 'failed')) && (
          <HowToTell namespace={namespace} name={name} />
        )}
        {events.length === 0 && <p className="muted">Nothing tells of an event.</p>}
        <ol className="declared">
          {events.map((event) => (
            <Event key={event.runs[0]?.run.uid ?? event.told[0]?.key} event={event} now={now} />
          ))}
        </ol>
        <p>
          <Link href={`/runs?${query}`}>All its runs</Link>
        </p>
      </section>
    </TabBody>
  );
}

function HowToTell({ namespace, name }: { namespace: string; name: string }): ReactNode {
  return (
    <p className="muted">
      What an interceptor filtered, and why, shows here with{' '}
      <code>
        kubectl annotate eventlistener {name} -n {namespace} {answerAnnotation}=outcome
      </code>
      , or for all listeners with <code>triggers.events=enable</code> of the chart. It is in the log as well:{' '}
      <code>tektite eventlistener logs</code>
    </p>
  );
}

function Event({ event: { id, time, runs, told }, now }: { event: RecentEvent; now: number }): ReactNode {
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
        {told.map((each) => (
          <Told key={each.key} told={each} />
        ))}
      </ul>
    </li>
  );
}

const looks: Readonly<Record<TriggerResult, 'succeeded' | 'skipped' | 'failed'>> = {
  created: 'succeeded',
  repeated: 'skipped',
  stopped: 'skipped',
  failed: 'failed',
};

function Told({ told }: { told: ToldTrigger }): ReactNode {
  const { word, why } = toldWords(told);
  const look = looks[told.outcome];
  return (
    <li>
      <span className={`status status-${look}`}>
        <StatusIcon status={look} />
        <span>{word}</span>
      </span>{' '}
      <Text of={why} />
      {told.trigger !== '' && (
        <span className="muted">
          {', trigger '}
          <Text of={told.trigger} most={253} />
        </span>
      )}
      {told.count > 1 && <span className="muted">, the last of {told.count.toLocaleString('en')} times</span>}
    </li>
  );
}
