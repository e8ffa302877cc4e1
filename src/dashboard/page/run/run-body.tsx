import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { RunStatus } from '../../contract.ts';
import { placeToShow } from '../../view/sentence.ts';
import type { RunGraphNode } from '../../view/run-graph.ts';
import { spanBetween, spanText } from '../../view/span.ts';
import { isOver, statusOf } from '../../view/status.ts';
import { Graph, type NodeTime } from '../graph/graph.tsx';
import { spanTitle } from '../parts/time.tsx';
import { runHref, type RunPlace } from './address.ts';
import { TaskPanel } from './task-panel.tsx';
import type { RunName, RunView } from './use-run.ts';

interface BodyProps {
  name: RunName;
  view: RunView;
  place: RunPlace;
  now: number;
}

/** The tasks beside what the chosen one did. Without a choice: what failed, what runs, or the first. */
export function RunBody({ name, view, place, now }: BodyProps): ReactNode {
  const { graph, taskRuns, isLoaded } = view;
  const [, navigate] = useLocation();
  const suggested = isLoaded ? placeToShow(graph, taskRuns) : undefined;
  const task = place.task ?? suggested?.task;
  const node = graph.nodes.find((each) => each.name === task);
  const to = (some: Partial<RunPlace>) => runHref(name, 'log', some);
  if (graph.nodes.length === 0) return <NotResolved view={view} />;
  return (
    <div className="run-body">
      <Graph
        graph={graph}
        hrefOf={(each) => to({ task: each })}
        childHrefOf={(each, child) => to({ task: each, child })}
        timeOf={(each) => timeOf(each, taskRuns, now)}
        {...(task === undefined ? {} : { chosen: task })}
      />
      {node === undefined ? (
        <p className="empty">
          {isLoaded && task !== undefined ? 'The pipeline has no task of that name.' : 'Loading...'}
        </p>
      ) : (
        <TaskPanel
          key={node.name}
          node={node}
          namespace={name.namespace}
          view={view}
          place={{ ...place, ...(place.task === undefined ? suggested : {}) }}
          now={now}
          onPlace={(some) => navigate(to({ task: node.name, ...some }))}
          hrefOf={(some) => to({ task: node.name, ...some })}
        />
      )}
    </div>
  );
}

function NotResolved({ view: { run, isLoaded } }: { view: RunView }): ReactNode {
  return <p className="empty">{isLoaded && run !== undefined ? whyNoTasks(statusOf(run)) : 'Loading...'}</p>;
}

function whyNoTasks(status: RunStatus): string {
  if (isOver(status)) return 'Its tasks are not known: the run was over before the pipeline was read.';
  return `${status === 'queued' ? 'It waits in a queue' : 'It has not begun'}: its tasks show when the pipeline is read.`;
}

/** From the first start to the last end of a task's runs. */
function timeOf(node: RunGraphNode, taskRuns: ReadonlyMap<string, TaskRun>, now: number): NodeTime {
  const statuses = node.children.map(({ name }) => taskRuns.get(name)?.status);
  const started = statuses.flatMap((status) => status?.startTime ?? []).toSorted()[0];
  const ends = statuses.map((status) => status?.completionTime);
  const isRunning = ends.some((end) => end === undefined);
  const finished = isRunning ? undefined : ends.toSorted().at(-1);
  return { span: spanText(spanBetween(started, finished, now)), title: spanTitle(started, finished) };
}
