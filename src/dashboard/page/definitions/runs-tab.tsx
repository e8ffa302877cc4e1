import { useSyncExternalStore, type ReactNode } from 'react';
import { Link } from 'wouter';
import { isOver } from '../../view/status.ts';
import { usageBars } from '../../view/usage.ts';
import type { RunSummary } from '../../contract.ts';
import type { ObjectName } from '../objects/address.ts';
import { Problem } from '../parts/problem.tsx';
import { Status } from '../parts/status.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, Span, spanTitle, useNow } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';
import { feedOf } from '../runs/run-feed.ts';

const MOST_BARS = 60;
const MOST_RUNS = 50;

/** The last runs of a definition, how they ended and how long they took. */
export function RunsTab({ name: { kind, namespace = '', name } }: { name: ObjectName }): ReactNode {
  const query = new URLSearchParams({
    ns: namespace,
    pipeline: name,
    kind: kind === 'Task' ? 'TaskRun' : 'PipelineRun',
  });
  const feed = feedOf(query.toString());
  const { list, problem } = useSyncExternalStore(feed.subscribe, feed.snapshot);
  const runs = list === undefined ? [] : [...list.fresh, ...list.shown.filter(({ uid }) => !list.gone.has(uid))];
  const now = useNow(runs.some(({ status }) => status === 'running') ? 1_000 : 20_000);
  if (problem !== undefined) return <Problem title="The runs cannot be read" text={problem} />;
  if (list === undefined) return <p className="empty">Loading...</p>;
  return (
    <TabBody label="Runs">
      <section>
        {kind === 'Task' && (
          <p className="muted">TaskRuns of their own. Those of pipelines are in the runs of these.</p>
        )}
        {runs.length === 0 && <p className="muted">There are no runs of it.</p>}
        <Bars runs={runs} />
        <ul className="last-runs">
          {runs.slice(0, MOST_RUNS).map((run) => (
            <LastRun key={run.uid} run={run} now={now} />
          ))}
        </ul>
        <AllRuns total={list.total} query={query} />
      </section>
    </TabBody>
  );
}

/** Where those are that do not fit here. */
function AllRuns({ total, query }: { total: number; query: URLSearchParams }): ReactNode {
  if (total <= MOST_RUNS) return null;
  return (
    <p>
      <Link href={`/runs?${query}`}>All {total.toLocaleString('en')} runs</Link>
    </p>
  );
}

function Bars({ runs }: { runs: readonly RunSummary[] }): ReactNode {
  const bars = usageBars(runs, MOST_BARS);
  if (bars.length <= 1) return null;
  return (
    <ol className="bars" aria-label="How long the last runs took, the oldest first">
      {bars.map(({ uid, run, height, text }) => (
        <li key={uid} className={`status-${run.status}`}>
          <Link
            href={runHref(run)}
            title={[text, spanTitle(run.started, run.finished)].filter(Boolean).join(', ')}
            aria-label={text}
            style={{ height: `${height * 100}%` }}
          />
        </li>
      ))}
    </ol>
  );
}

function LastRun({ run, now }: { run: RunSummary; now: number }): ReactNode {
  const { started, finished, status } = run;
  const end = isOver(status) ? (finished ?? started) : finished;
  return (
    <li>
      <Status status={status} />
      <Link href={runHref(run)}>
        <Text of={run.name} most={253} />
      </Link>
      <span className="muted">
        <Ago time={started ?? run.created} now={now} />
      </span>
      <Span started={started} finished={end} now={now} />
    </li>
  );
}
