import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useSearch } from 'wouter';
import type { RunList } from '../../view/run-list.ts';
import { useProperties } from '../api/use-properties.ts';
import { Problem } from '../parts/problem.tsx';
import { queryIn, useDefaultNamespace } from '../parts/query.ts';
import { BulkBar } from './bulk-bar.tsx';
import { Filters, filterNames } from './filters.tsx';
import { feedOf, type RunFeed } from './run-feed.ts';
import { RunTable } from './run-table.tsx';
import '../style/runs.css';

/** The list of runs. What is asked for is in the address. */
export function RunsPage(): ReactNode {
  const search = useSearch();
  const query = queryIn(search, filterNames);
  const feed = feedOf(query);
  const state = useSyncExternalStore(feed.subscribe, feed.snapshot);
  const { list, problem, isLive } = state;
  useDefaultNamespace('/runs', search);
  useEffect(() => void (document.title = 'Runs - Tektite'), []);
  return (
    <main className="runs">
      <h1 className="sr-only">Runs</h1>
      <Filters query={query} {...(list === undefined ? {} : { list })} />
      {problem !== undefined && <Problem title="The list of runs cannot be read" text={problem} />}
      {list !== undefined ? (
        <Listed key={query} feed={feed} list={list} query={query} isLive={isLive} />
      ) : (
        problem === undefined && <p className="empty">Loading...</p>
      )}
    </main>
  );
}

interface ListedProps {
  feed: RunFeed;
  list: RunList;
  query: string;
  isLive: boolean;
}

function Listed({ feed, list, query, isLive }: ListedProps): ReactNode {
  const { shown, fresh, total } = list;
  const isReadOnly = useProperties()?.isReadOnly !== false;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choose = (uids: readonly string[], isChosen: boolean) =>
    setChosen((before) => {
      const after = new Set(before);
      for (const uid of uids) {
        if (isChosen) after.add(uid);
        else after.delete(uid);
      }
      return after;
    });
  const runs = shown.filter(({ uid }) => chosen.has(uid) && !list.gone.has(uid));
  return (
    <>
      {fresh.length > 0 && (
        <button type="button" className="fresh" onClick={() => feed.showFresh()}>
          {fresh.length} new {fresh.length === 1 ? 'run' : 'runs'}
        </button>
      )}
      {!isReadOnly && <BulkBar runs={runs} onDone={(uids) => choose(uids, false)} />}
      {shown.length > 0 && (
        <RunTable feed={feed} list={list} chosen={isReadOnly ? undefined : chosen} onChoose={choose} />
      )}
      {shown.length === 0 && <Empty isFiltered={query !== ''} />}
      <p className="foot" role="status">
        {`${total.toLocaleString('en')} ${total === 1 ? 'run' : 'runs'}`}
        {isLive ? ', live' : ', not live: what is shown may be old'}
      </p>
    </>
  );
}

function Empty({ isFiltered }: { isFiltered: boolean }): ReactNode {
  return (
    <div className="empty">
      <h2>{isFiltered ? 'No run is like that' : 'There are no runs that you may see'}</h2>
      {isFiltered ? (
        <p>Take a filter away to see more.</p>
      ) : (
        <p>
          Start one: <code>tektite pipeline start NAME -n NAMESPACE</code>, or <code>kubectl create -f run.yaml</code>
        </p>
      )}
    </div>
  );
}
