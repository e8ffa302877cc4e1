import { lazy, Suspense, useEffect, type ReactNode } from 'react';
import { Link, useParams, useSearch } from 'wouter';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import { pipelineRunSentence, taskRunSentence } from '../../view/sentence.ts';
import { startedByOf } from '../../view/started-by.ts';
import { isOver, statusOf } from '../../view/status.ts';
import { Problem } from '../parts/problem.tsx';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, At, spanTitle, useNow } from '../parts/time.tsx';
import { placeIn, runHref, tabs, type RunPlace, type Tab } from './address.ts';
import { RunActions } from './run-actions.tsx';
import { RunBody } from './run-body.tsx';
import { useRun, type RunName, type RunView } from './use-run.ts';
import '../style/run.css';

const DataTab = lazy(() => import('./data-tab.tsx'));
const EventsTab = lazy(() => import('./events-tab.tsx'));
const ProvenanceTab = lazy(() => import('./provenance-tab.tsx'));
const TimelineTab = lazy(() => import('./timeline-tab.tsx'));
const YamlTab = lazy(() => import('./yaml-tab.tsx'));

const titles: Readonly<Record<Tab, string>> = {
  log: 'Tasks and logs',
  timeline: 'Timeline',
  data: 'Params and results',
  events: 'Events',
  provenance: 'Provenance',
  yaml: 'YAML',
};

/** A run: did it work, if not why, where did the time go, what came out of it, can that be trusted. */
export default function RunPage(): ReactNode {
  const params = useParams<{ namespace: string; name: string; tab?: string }>();
  const place = placeIn(useSearch());
  const name: RunName = { kind: place.kind, namespace: params.namespace, name: params.name };
  return (
    <RunOf key={`${place.kind}/${name.namespace}/${name.name}`} name={name} place={place} tab={params.tab ?? 'log'} />
  );
}

function RunOf({ name, place, tab }: { name: RunName; place: RunPlace; tab: string }): ReactNode {
  const view = useRun(name);
  const { run, isLoaded, problem } = view;
  const now = useNow(run !== undefined && isOver(statusOf(run)) ? 20_000 : 1_000);
  useEffect(() => {
    document.title = `${run === undefined ? '' : `${wordOf(statusOf(run))}: `}${name.name} - Tektite`;
  }, [name.name, run]);
  if (run === undefined)
    return <NoRun name={name} isLoaded={isLoaded} {...(problem === undefined ? {} : { problem })} />;
  return (
    <main className="run">
      <RunHead name={name} view={view} run={run} now={now} />
      <nav className="tabs" aria-label="Of this run">
        {tabs.map((each) => (
          <Link
            key={each}
            href={runHref(name, each, each === 'log' ? place : {})}
            className="tab"
            aria-current={each === tab ? 'page' : undefined}
          >
            {titles[each]}
          </Link>
        ))}
      </nav>
      {problem !== undefined && <Problem title="Something of this run cannot be read" text={problem} />}
      <Suspense fallback={<p className="empty">Loading...</p>}>
        <TabOf tab={tab} name={name} view={view} run={run} place={place} now={now} />
      </Suspense>
    </main>
  );
}

interface TabProps {
  tab: string;
  name: RunName;
  view: RunView;
  run: PipelineRun | TaskRun;
  place: RunPlace;
  now: number;
}

function TabOf({ tab, name, view, run, place, now }: TabProps): ReactNode {
  switch (tab) {
    case 'log':
      return <RunBody name={name} view={view} place={place} now={now} />;
    case 'timeline':
      return <TimelineTab name={name} view={view} now={now} />;
    case 'data':
      return <DataTab name={name} run={run} view={view} />;
    case 'events':
      return <EventsTab name={name} view={view} now={now} />;
    case 'provenance':
      return <ProvenanceTab name={name} run={run} />;
    case 'yaml':
      return <YamlTab run={run} />;
    default:
      return (
        <p className="empty">
          A run has no such part. <Link href={runHref(name)}>Its tasks and logs</Link> are here.
        </p>
      );
  }
}

function NoRun({ name, isLoaded, problem }: { name: RunName; isLoaded: boolean; problem?: string }): ReactNode {
  if (!isLoaded && problem === undefined) return <p className="empty">Loading...</p>;
  if (problem !== undefined)
    return (
      <main className="empty">
        <Problem title="This run cannot be read" text={problem} />
      </main>
    );
  return (
    <main className="empty">
      <h1>There is no such run</h1>
      <p>
        Namespace <Text of={name.namespace} /> has no {name.kind} <Text of={name.name} />: it was deleted, pruned, or is
        not made yet. It shows here as soon as it is there. <Link href="/runs">All runs</Link>
      </p>
    </main>
  );
}

function RunHead({ name, view, run, now }: Omit<TabProps, 'tab' | 'place'>): ReactNode {
  const { metadata, status } = run;
  const sentence =
    name.kind === 'TaskRun'
      ? taskRunSentence(run, now)
      : pipelineRunSentence(run, view.graph, { taskRuns: view.taskRuns, now });
  return (
    <header className="run-header">
      <p className="crumbs">
        <Link href="/runs">Runs</Link> /{' '}
        <Link href={`/runs?ns=${encodeURIComponent(name.namespace)}`}>
          <Text of={name.namespace} />
        </Link>
      </p>
      <div className="run-title">
        <h1>
          <Text of={name.name} most={253} />
        </h1>
        <p
          className={`sentence status status-${statusOf(run)}`}
          role="status"
          title={spanTitle(status?.startTime, status?.completionTime)}
        >
          <StatusIcon status={statusOf(run)} />
          <Text of={sentence} />
        </p>
        <RunActions name={name} run={run} />
      </div>
      <ul className="facts muted">
        <Definition name={name} run={run} />
        <StartedByFact run={run} name={name} />
        <li>
          <Ago time={status?.startTime ?? metadata.creationTimestamp ?? ''} now={now} />
        </li>
        {metadata.deletionTimestamp !== undefined && <li className="bad">being deleted</li>}
        {!view.isLive && view.isLoaded && <li>not live: what is shown may be old</li>}
      </ul>
    </header>
  );
}

function Definition({ name, run }: { name: RunName; run: PipelineRun | TaskRun }): ReactNode {
  const reference = name.kind === 'TaskRun' ? (run as TaskRun).spec.taskRef : (run as PipelineRun).spec.pipelineRef;
  const what = name.kind === 'TaskRun' ? 'Task' : 'Pipeline';
  if (reference?.name !== undefined)
    return (
      <li>
        {what}{' '}
        <Link href={`/runs?${new URLSearchParams({ ns: name.namespace, pipeline: reference.name })}`}>
          <Text of={reference.name} />
        </Link>
      </li>
    );
  if (reference?.resolver !== undefined)
    return (
      <li>
        {what} from <Text of={reference.resolver} />
      </li>
    );
  return <li>{what} written in place</li>;
}

function StartedByFact({ run, name }: { run: PipelineRun | TaskRun; name: RunName }): ReactNode {
  const { person, trigger, event, branch, commit, scheduledTime, rerunOf } = startedByOf(run.metadata);
  const who = [person, trigger, event].filter((part) => part !== undefined).join(', ');
  const of = [branch, commit?.slice(0, 12)].filter((part) => part !== undefined).join(' at ');
  return (
    <>
      {who !== '' && (
        <li>
          by <Text of={who} most={200} />
        </li>
      )}
      {of !== '' && (
        <li>
          <Text of={of} most={200} />
        </li>
      )}
      {scheduledTime !== undefined && (
        <li>
          for <At time={scheduledTime} />
        </li>
      )}
      {rerunOf !== undefined && (
        <li>
          again of{' '}
          <Link href={runHref({ ...name, name: rerunOf })}>
            <Text of={rerunOf} most={253} />
          </Link>
        </li>
      )}
    </>
  );
}
