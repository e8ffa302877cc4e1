import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ChildState, RunGraphNode } from '../../view/run-graph.ts';
import { messageOf, statusOf } from '../../view/status.ts';
import { objectHref } from '../objects/address.ts';
import { Text } from '../parts/text.tsx';
import { runHref } from './address.ts';
import type { OtherRun, RunView } from './use-run.ts';

interface NoTaskRunProps {
  node: RunGraphNode;
  namespace: string;
  view: RunView;
}

/** In the place of steps and log: a task that was skipped, waits, or is run by something that has none. */
export function NoTaskRun({ node, namespace, view }: NoTaskRunProps): ReactNode {
  const [child] = node.children;
  if (node.skipped !== undefined)
    return (
      <p className="empty">
        Skipped: <Text of={node.skipped} />
      </p>
    );
  if (child === undefined) return <p className="empty">{turnOf(node, view)}</p>;
  if (child.kind === 'TaskRun')
    return (
      <p className="empty">
        {view.isLoaded ? (
          <>
            TaskRun <Text of={child.name} /> is gone, and its log with it.
          </>
        ) : (
          'Loading...'
        )}
      </p>
    );
  return <OtherChild child={child} namespace={namespace} run={view.others.get(child.name)} />;
}

function turnOf({ state }: RunGraphNode, { run }: RunView): string {
  if (state === 'not-run') return 'The run was over before its turn.';
  switch (run && statusOf(run)) {
    case 'queued':
      return 'The whole run waits in a queue.';
    case 'pending':
      return 'The whole run has not begun.';
    default:
      return 'It waits for its turn.';
  }
}

interface OtherChildProps {
  child: ChildState;
  namespace: string;
  /** Undefined while it is not known, or no longer. */
  run: OtherRun | undefined;
}

/** A child pipeline, or a run of a custom task: where it is, and what it says of itself. */
function OtherChild({ child, namespace, run }: OtherChildProps): ReactNode {
  const { kind, name } = child;
  const said = run === undefined ? '' : messageOf(run);
  return (
    <div className="empty">
      <p>
        {kind === 'PipelineRun' ? 'This task is a pipeline of its own: ' : 'A controller of its own runs it: '}
        <Link
          href={
            kind === 'PipelineRun'
              ? runHref({ kind, name, namespace })
              : objectHref('/definitions', { kind, name, namespace })
          }
        >
          <Text of={kind === 'PipelineRun' ? name : `${kind} ${name}`} most={300} />
        </Link>
      </p>
      {said !== '' && (
        <p>
          <Text of={said} />
        </p>
      )}
    </div>
  );
}
