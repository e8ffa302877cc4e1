import { memo, useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'wouter';
import { nodeHeight, nodeWidth } from '../../view/geometry.ts';
import type { RunGraph, RunGraphNode } from '../../view/run-graph.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { useLayout } from './use-layout.ts';
import '../style/graph.css';

interface GraphProps {
  graph: RunGraph;
  /** Name of the task that is shown beside. */
  chosen?: string;
  hrefOf: (task: string) => string;
  /** How long a task took, or has taken; missing: there is no run, and nothing became of any task. */
  timeOf?: (node: RunGraphNode) => string;
}

/** The tasks of a pipeline as they depend on each other; a list where there is no room. */
export function Graph({ graph, chosen, hrefOf, timeOf }: GraphProps): ReactNode {
  const layout = useLayout(graph.nodes);
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
          {graph.nodes.map((node, at) => (
            <li
              key={`${node.name} ${at}`}
              style={{ left: layout?.places[node.name]?.x, top: layout?.places[node.name]?.y, width: nodeWidth }}
            >
              <Node node={node} isChosen={node.name === chosen} href={hrefOf(node.name)} time={timeOf?.(node)} />
            </li>
          ))}
        </ol>
      </div>
    </nav>
  );
}

interface NodeProps {
  node: RunGraphNode;
  isChosen: boolean;
  href: string;
  /** Undefined: there is no run. */
  time: string | undefined;
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
        <span className="number muted">{time}</span>
      </Link>
    );
  },
  (before, after) =>
    before.node.state === after.node.state &&
    before.node.skipped === after.node.skipped &&
    before.node.children.length === after.node.children.length &&
    before.isChosen === after.isChosen &&
    before.href === after.href &&
    before.time === after.time,
);

function titleOf({ state, skipped }: RunGraphNode): string {
  return skipped === undefined ? wordOf(state) : `skipped: ${skipped}`;
}
