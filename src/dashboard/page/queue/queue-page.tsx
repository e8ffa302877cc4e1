import { useEffect, type ReactNode } from 'react';
import { Link, useSearch } from 'wouter';
import type { QueuePage as Page, RunQueue, WaitingRun } from '../../contract.ts';
import { queueTitle } from '../../view/queues.ts';
import { useAnswer } from '../api/use-answer.ts';
import { useProperties } from '../api/use-properties.ts';
import { AddressField } from '../parts/address-field.tsx';
import { Foot, Missing } from '../parts/listing.tsx';
import { Problem } from '../parts/problem.tsx';
import { hrefOf, queryIn, useDefaultNamespace } from '../parts/query.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';
import '../style/runs.css';
import '../style/objects.css';
import '../style/fleet.css';

const base = '/queue';
const fields = [
  { name: 'q', label: 'Search', hint: 'name, commit, branch, person' },
  { name: 'ns', label: 'Namespace', hint: 'all' },
  { name: 'pipeline', label: 'Pipeline', hint: 'any' },
] as const;
/** Waiting runs say their place anew so often, also when nothing else changes. */
const EVERY_MS = 20_000;

/** Who waits for his turn, where, and behind whom. What is asked for is in the address. */
export default function QueuePage(): ReactNode {
  const search = useSearch();
  const query = queryIn(
    search,
    fields.map(({ name }) => name),
  );
  useDefaultNamespace(base, search);
  useEffect(() => void (document.title = 'Queue - Tektite'), []);
  const { value, problem, isLive } = useAnswer<Page>(`v1/queue?${query}`, {
    changes: `v1/runs/changes?${changesQuery(query)}`,
    everyMs: EVERY_MS,
  });
  return (
    <main className="runs">
      <h1 className="sr-only">Queue</h1>
      <Filters query={query} />
      {problem !== undefined && <Problem title="The queues cannot be read" text={problem} />}
      {value === undefined && problem === undefined && <p className="empty">Loading...</p>}
      {value !== undefined && <Listed page={value} isFiltered={query !== ''} isLive={isLive} />}
    </main>
  );
}

/** Whoever begins or ends moves those behind: the namespace counts, not the other filters. */
function changesQuery(query: string): string {
  const ns = new URLSearchParams(query).get('ns');
  return new URLSearchParams({ kind: 'PipelineRun', ...(ns === null ? {} : { ns }) }).toString();
}

function Filters({ query }: { query: string }): ReactNode {
  const asked = new URLSearchParams(query);
  const tenants = useProperties()?.tenantNamespaces ?? [];
  return (
    <search className="filters">
      <div className="filter-fields">
        {fields.map((field) => (
          <AddressField
            key={field.name}
            {...field}
            value={asked.get(field.name) ?? ''}
            hrefOf={(value) => hrefOf(base, query, field.name, value)}
            {...(field.name === 'ns' ? { offers: tenants } : {})}
          />
        ))}
        {query !== '' && (
          <Link href={base} className="quiet-link clear">
            Clear
          </Link>
        )}
      </div>
    </search>
  );
}

interface ListedProps {
  page: Page;
  isFiltered: boolean;
  isLive: boolean;
}

function Listed({ page: { queues, waiting, isCut, missing }, isFiltered, isLive }: ListedProps): ReactNode {
  const now = useNow(20_000);
  return (
    <>
      {queues.length === 0 ? (
        <Empty isFiltered={isFiltered} />
      ) : (
        <div className="object-list" role="region" aria-label="Queues" tabIndex={0}>
          {queues.map((queue) => (
            <Queue key={`${queue.namespace} ${queue.title}`} queue={queue} now={now} />
          ))}
          {isCut && <p className="muted more">There are more than are shown: search for some of them.</p>}
        </div>
      )}
      <Missing rights={missing} />
      <Foot
        text={`${waiting.toLocaleString('en')} ${waiting === 1 ? 'run waits' : 'runs wait'} in ${countOf(queues.length)}`}
        isLive={isLive}
      />
    </>
  );
}

function countOf(queues: number): string {
  return `${queues.toLocaleString('en')} ${queues === 1 ? 'queue' : 'queues'}`;
}

function Queue({ queue, now }: { queue: RunQueue; now: number }): ReactNode {
  const { namespace, title, runs, waiting } = queue;
  return (
    <section className="queue">
      <h2>
        <Text of={queueTitle(title)} most={500} />
      </h2>
      <ul className="facts muted">
        <li>
          in <Text of={namespace} most={63} />
        </li>
        {queue.limit !== undefined && (
          <li>
            {queue.limit === 1 ? 'one runs at a time' : `${queue.limit.toLocaleString('en')} run at the same time`}
          </li>
        )}
        <li>{waiting === 1 ? 'one waits' : `${waiting.toLocaleString('en')} wait`}</li>
        <Running queue={queue} />
      </ul>
      <table className="objects">
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Run</th>
            <th scope="col">Behind</th>
            <th scope="col">Priority</th>
            <th scope="col">Waits since</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Waiting key={run.uid} run={run} now={now} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Running({ queue: { namespace, running, moreRunning } }: { queue: RunQueue }): ReactNode {
  if (running.length === 0) return <li>nobody of those that held it up runs any more</li>;
  return (
    <li className="queue-running">
      held up by{' '}
      {running.map(({ name, status = 'running' }, at) => (
        <span key={name}>
          {at > 0 && ', '}
          <Link href={runHref({ kind: 'PipelineRun', namespace, name })}>
            <StatusIcon status={status} />
            <span className="sr-only">{wordOf(status)} </span>
            <Text of={name} most={253} />
          </Link>
        </span>
      ))}
      {moreRunning > 0 && ` and ${moreRunning.toLocaleString('en')} more`}
    </li>
  );
}

function Waiting({ run, now }: { run: WaitingRun; now: number }): ReactNode {
  const { namespace, name, place, behind, priority, definition, created, problem, startedBy } = run;
  const by = startedBy.person ?? startedBy.trigger ?? startedBy.event;
  return (
    <tr>
      <td className="number cell-place" data-label="place">
        {place.toLocaleString('en')}
      </td>
      <th scope="row">
        <Link href={runHref({ kind: 'PipelineRun', namespace, name })}>
          <Text of={name} most={253} />
        </Link>
        <span className="muted">
          <Text of={definition ?? 'written in place'} most={253} />
          {by !== undefined && (
            <>
              {' by '}
              <Text of={by} most={200} />
            </>
          )}
        </span>
        {problem !== undefined && (
          <span className="bad">
            Its place is not sure: <Text of={problem} most={300} />
          </span>
        )}
      </th>
      <td {...(behind === undefined ? {} : { 'data-label': 'behind' })}>
        {behind === undefined ? (
          <span className="muted">next in turn</span>
        ) : (
          <Link href={runHref({ kind: 'PipelineRun', namespace, name: behind })}>
            <Text of={behind} most={253} />
          </Link>
        )}
      </td>
      <td className={priority === 0 ? 'number muted' : 'number'} data-label="priority">
        {priority.toLocaleString('en')}
      </td>
      <td className="muted" data-label="waits since">
        <Ago time={created} now={now} />
      </td>
    </tr>
  );
}

function Empty({ isFiltered }: { isFiltered: boolean }): ReactNode {
  if (isFiltered)
    return (
      <div className="empty">
        <h2>No run that waits is like that</h2>
        <p>Take a filter away to see more.</p>
      </div>
    );
  return (
    <div className="empty">
      <h2>Nobody waits</h2>
      <p>
        A run waits where more of a kind are to run than a limit lets. An operator sets one with{' '}
        <code>kubectl -n tekton-pipelines edit configmap config-concurrency</code>, a run its own with the annotation{' '}
        <code>tektite.dev/concurrency-limit: &quot;1&quot;</code>.
      </p>
    </div>
  );
}
