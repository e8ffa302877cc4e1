import type { ReactNode } from 'react';
import { nodeHeight } from '../../view/geometry.ts';
import type { DrawnChain } from '../../view/chains.ts';
import { shown } from '../../view/shown.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';

interface ChainProps {
  chain: DrawnChain;
  /** Undefined: there is no run, and nothing became of any task. */
  hasStates: boolean;
  onUnfold: () => void;
}

/** Many tasks one after the other, in one place until somebody wants to see them. */
export function Chain({ chain: { first, last, count, state }, hasStates, onUnfold }: ChainProps): ReactNode {
  const tasks = `${count.toLocaleString('en')} tasks`;
  const names = shown(`${first} to ${last}`);
  return (
    <button
      type="button"
      className={`node chain node-${state}`}
      style={{ height: nodeHeight }}
      aria-expanded={false}
      aria-label={`${tasks}${hasStates ? `, ${wordOf(state)}` : ''}: unfold ${names}`}
      title={names}
      onClick={onUnfold}
    >
      {hasStates && <StatusIcon status={state} />}
      <span className="node-name">{tasks}</span>
      <span aria-hidden="true">{'\u25BE'}</span>
    </button>
  );
}

interface FoldProps {
  name: string;
  onFold: () => void;
}

/** At the first task of a chain that was unfolded. */
export function FoldChain({ name, onFold }: FoldProps): ReactNode {
  const title = `Fold the chain of ${shown(name)}`;
  return (
    <button type="button" className="unfold" aria-expanded={true} aria-label={title} title={title} onClick={onFold}>
      {'\u25B4'}
    </button>
  );
}
