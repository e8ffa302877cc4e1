import { memo, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { drawnOf, placeName, type Drawn, type DrawnTask } from '../../view/chains.ts';
import { nodeHeight, nodeWidth, unfoldedHeight } from '../../view/geometry.ts';
import type { Outline } from '../../view/layout.ts';
import type { RunGraph, RunGraphNode } from '../../view/run-graph.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { Chain, FoldChain } from './chain.tsx';
import { Fan, Unfold } from './fan.tsx';
import { useLayout } from './use-layout.ts';
import '../style/graph.css';

interface GraphProps {
  graph: RunGraph;
  /** Name of the task that is shown beside. */
  chosen?: string;
  hrefOf: (task: string) => string;
  /** Where the runs of a task's matrix are. */
  childHrefOf?: (task: string, child: string) => string;
  /** When a task began and ended; missing: there is no run, and nothing became of any task. */
  timeOf?: (node: RunGraphNode) => NodeTime;
}

/** How long a task took, or has taken, and from when to when. */
export interface NodeTime {
  span: string;
  title: string | undefined;
}

/** The tasks of a pipeline as they depend on each other; a list where there is no room. */
export function Graph({ graph, chosen, hrefOf, childHrefOf, timeOf }: GraphProps): ReactNode {
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const [chains, setChains] = useState<ReadonlySet<string>>(new Set());
  const drawn = useMemo(() => drawnOf(graph.nodes, { unfolded: chains, chosen }), [graph, chains, chosen]);
  const outline = useMemo(() => outlineOf(drawn, unfolded), [drawn, unfolded]);
  const layout = useLayout(outline);
  const turnChain = (name: string) => setChains((now) => toggled(now, name));
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (layout !== undefined)
      list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [layout, chosen]);
  return (
    <nav className="graph" aria-label="Tasks">
      {graph.problem !== undefined && (
        <p className="log-note bad">
          This pipeline is no graph: <Text of={graph.problem} />
        </p>
      )}
      <div className="graph-ground" style={{ width: layout?.width, height: layout?.height }}>
        {layout !== undefined && (
          <svg className="edges" aria-hidden="true" width={layout.width} height={layout.height}>
            {layout.edges.map(({ from, to, path }) => (
              <path
                key={`${from} ${to}`}
                d={path}
                className={from === chosen || to === chosen ? 'edge chosen' : 'edge'}
              />
            ))}
          </svg>
        )}
        {layout?.finallyAt !== undefined && (
          <p className="finally" style={{ top: layout.finallyAt }}>
            finally
          </p>
        )}
        <ol ref={list} className={layout === undefined ? 'nodes unplaced' : 'nodes'}>
          {drawn.map((each, at) => (
            <li
              key={`${placeName(each)} ${at}`}
              style={{
                left: layout?.places[placeName(each)]?.x,
                top: layout?.places[placeName(each)]?.y,
                width: nodeWidth,
              }}
            >
              {each.kind === 'chain' ? (
                <Chain chain={each} hasStates={timeOf !== undefined} onUnfold={() => turnChain(each.chain)} />
              ) : (
                <Task
                  drawn={each}
                  isChosen={each.node.name === chosen}
                  isUnfolded={unfolded.has(each.node.name)}
                  onFan={() => setUnfolded((now) => toggled(now, each.node.name))}
                  onChain={turnChain}
                  {...{ hrefOf, childHrefOf, timeOf }}
                />
              )}
            </li>
          ))}
        </ol>
      </div>
    </nav>
  );
}

function outlineOf(drawn: readonly Drawn[], unfolded: ReadonlySet<string>): Outline {
  return drawn.map((each) => {
    const { dependencies } = each;
    if (each.kind === 'chain') return { name: each.id, section: 'tasks', dependencies };
    const { name, section, children } = each.node;
    const height = unfolded.has(name) ? { height: unfoldedHeight(children.length) } : {};
    return { name, section, dependencies, ...height };
  });
}

interface TaskProps extends Pick<GraphProps, 'hrefOf' | 'childHrefOf' | 'timeOf'> {
  drawn: DrawnTask;
  isChosen: boolean;
  /** The runs of its matrix are shown. */
  isUnfolded: boolean;
  onFan: () => void;
  onChain: (chain: string) => void;
}

/** A task, and what is shown below it or hidden. */
function Task({ drawn, isChosen, isUnfolded, onFan, onChain, hrefOf, childHrefOf, timeOf }: TaskProps): ReactNode {
  const { node, unfolded } = drawn;
  const hasFan = childHrefOf !== undefined && node.children.length > 1;
  return (
    <>
      <Node node={node} isChosen={isChosen} href={hrefOf(node.name)} time={timeOf?.(node)} />
      {hasFan && <Unfold node={node} isUnfolded={isUnfolded} onChange={onFan} />}
      {hasFan && isUnfolded && <Fan node={node} hrefOf={(child) => childHrefOf(node.name, child)} />}
      {unfolded !== undefined && <FoldChain name={node.name} onFold={() => onChain(unfolded)} />}
    </>
  );
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}

interface NodeProps {
  node: RunGraphNode;
  isChosen: boolean;
  href: string;
  /** Undefined: there is no run. */
  time: NodeTime | undefined;
}

const Node = memo(
  function Node({ node, isChosen, href, time }: NodeProps): ReactNode {
    const { name, state, children, section } = node;
    const done = children.filter(({ status }) => status === 'succeeded').length;
    return (
      <Link
        href={href}
        className={`node node-${state}`}
        style={{ height: nodeHeight }}
        aria-current={isChosen ? 'true' : undefined}
        title={time === undefined ? undefined : titleOf(node)}
      >
        {time !== undefined && <StatusIcon status={state} />}
        <span className="node-name">
          <Text of={name} most={253} />
        </span>
        <span className="sr-only">
          {[...(time === undefined ? [] : [wordOf(state)]), ...(section === 'finally' ? ['of finally'] : [])].join(
            ', ',
          )}
        </span>
        {children.length > 1 && (
          <span className="count" title={`${done} of ${children.length} succeeded`}>
            {done}/{children.length}
          </span>
        )}
        <span className="number muted" title={time?.title}>
          {time?.span}
        </span>
      </Link>
    );
  },
  (before, after) =>
    before.node.state === after.node.state &&
    before.node.skipped === after.node.skipped &&
    before.node.children.length === after.node.children.length &&
    before.isChosen === after.isChosen &&
    before.href === after.href &&
    isSameTime(before.time, after.time),
);

function isSameTime(before: NodeTime | undefined, after: NodeTime | undefined): boolean {
  return before?.span === after?.span && before?.title === after?.title;
}

function titleOf({ state, skipped }: RunGraphNode): string {
  return skipped === undefined ? wordOf(state) : `skipped: ${skipped}`;
}
