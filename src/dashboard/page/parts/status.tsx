import type { ReactNode } from 'react';
import type { StepStatus } from '../../view/attempts.ts';
import type { NodeState } from '../../view/run-graph.ts';

type Shown = NodeState | StepStatus;

/** Always icon, word and colour: no one of them alone. */
const shapes: Readonly<Record<Shown, { path: string; word: string }>> = {
  succeeded: { path: 'M4 8.5 7 11.5 12.5 5', word: 'succeeded' },
  failed: { path: 'M5 5l6 6M11 5l-6 6', word: 'failed' },
  'timed-out': { path: 'M8 4.5V8l2.5 2', word: 'timed out' },
  cancelled: { path: 'M5 8h6', word: 'cancelled' },
  running: { path: 'M8 3.5a4.5 4.5 0 1 1-4.5 4.5', word: 'running' },
  queued: { path: 'M5 8h.01M8 8h.01M11 8h.01', word: 'queued' },
  pending: { path: 'M6.5 5.5v5M9.5 5.5v5', word: 'pending' },
  waiting: { path: 'M8 8h.01', word: 'waiting' },
  skipped: { path: 'M5 5l3.5 3L5 11M10.5 5v6', word: 'skipped' },
  'not-run': { path: 'M4.5 11.5l7-7', word: 'not run' },
};

export function wordOf(status: Shown): string {
  return shapes[status].word;
}

export function StatusIcon({ status }: { status: Shown }): ReactNode {
  return (
    <svg className={`icon status-${status}`} viewBox="0 0 16 16" aria-hidden="true">
      {status !== 'running' && <circle cx="8" cy="8" r="7" className="icon-ground" />}
      {status === 'running' && <circle cx="8" cy="8" r="4.5" className="icon-track" />}
      <path d={shapes[status].path} className="icon-line" />
    </svg>
  );
}

export function Status({ status }: { status: Shown }): ReactNode {
  return (
    <span className={`status status-${status}`}>
      <StatusIcon status={status} />
      <span>{wordOf(status)}</span>
    </span>
  );
}
