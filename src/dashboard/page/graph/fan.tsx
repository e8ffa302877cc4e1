import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { fanHeight, mostInSight } from '../../view/geometry.ts';
import type { RunGraphNode } from '../../view/run-graph.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';

/** More of them nobody reads in a picture; the choice beside the log has them all. */
const MOST = 500;

interface UnfoldProps {
  node: RunGraphNode;
  isUnfolded: boolean;
  onChange: () => void;
}

/** Shows the runs of a task's matrix below it, or hides them. */
export function Unfold({ node: { name, children }, isUnfolded, onChange }: UnfoldProps): ReactNode {
  const title = `${isUnfolded ? 'Fold' : 'Unfold'} the ${children.length} runs of ${name}`;
  return (
    <button type="button" className="unfold" aria-expanded={isUnfolded} aria-label={title} onClick={onChange}>
      {isUnfolded ? '\u25B4' : '\u25BE'}
    </button>
  );
}

/** The runs of a task's matrix, of which the list scrolls. */
export function Fan({ node, hrefOf }: { node: RunGraphNode; hrefOf: (child: string) => string }): ReactNode {
  const { name, children } = node;
  return (
    <ol className="fan" aria-label={`Runs of ${name}`} style={{ maxHeight: mostInSight * fanHeight }}>
      {children.slice(0, MOST).map((child) => (
        <li key={child.name} style={{ height: fanHeight }}>
          <Link href={hrefOf(child.name)} title={child.name}>
            <StatusIcon status={child.status ?? 'not-run'} />
            <span className="node-name">
              <Text of={child.name} most={253} />
            </span>
            <span className="sr-only">{child.status === undefined ? 'gone' : wordOf(child.status)}</span>
          </Link>
        </li>
      ))}
      {children.length > MOST && <li className="muted">{children.length - MOST} more: choose one beside the log</li>}
    </ol>
  );
}
