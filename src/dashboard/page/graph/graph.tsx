import { memo, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { nodeHeight, nodeWidth, unfoldedHeight } from '../../view/geometry.ts';
import type { Outline } from '../../view/layout.ts';
import type { RunGraph, RunGraphNode } from '../../view/run-graph.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
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
  /** How long a task took, or has taken; missing: there is no run, and nothing became of any task. */
  timeOf?: (node: RunGraphNode) => string;
}

/** The tasks of a pipeline as they depend on each other; a list where there is no room. */
export function Graph({ graph, chosen, hrefOf, childHrefOf, timeOf }: GraphProps): ReactNode {
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const outline = useMemo(() => outlineOf(graph, unfolded), [graph, unfolded]);
  const layout = useLayout(outline);
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
              {childHrefOf !== undefined && node.children.length > 1 && (
                <Unfold
                  node={node}
                  isUnfolded={unfolded.has(node.name)}
                  onChange={() => setUnfolded((now) => toggled(now, node.name))}
                />
              )}
              {childHrefOf !== undefined && unfolded.has(node.name) && (
                <Fan node={node} hrefOf={(child) => childHrefOf(node.name, child)} />
              )}
            </li>
          ))}
        </ol>
      </div>
    </nav>
  );
}

function outlineOf({ nodes }: RunGraph, unfolded: ReadonlySet<string>): Outline {
  return nodes.map((node) =>
    unfolded.has(node.name) ? { ...node, height: unfoldedHeight(node.children.length) } : node,
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
