import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { attemptsOf, type AttemptView, type StepStatus } from './attempts.ts';
import type { NodeState, RunGraph, RunGraphNode } from './run-graph.ts';

/** A part of a task's time. Times are milliseconds since the epoch. */
export interface TimelineBar {
  /** `before`: from the start of an attempt to that of its first step: a node is found, images are pulled. */
  kind: 'before' | 'step';
  /** Of the step; empty before the first. */
  name: string;
  status: StepStatus;
  from: number;
  to: number;
}

export interface TimelineRow {
  task: string;
  /** Name of the run that was made for the task. */
  child: string;
  section: RunGraphNode['section'];
  state: NodeState;
  from: number;
  to: number;
  bars: readonly TimelineBar[];
  /** Without it, the whole run would have been over sooner. */
  isCritical: boolean;
}

export interface Timeline {
  from: number;
  to: number;
  /** In the order in which they began. */
  rows: readonly TimelineRow[];
}

/** Where the time of a run went. Undefined before anything of it has begun. */
export function timelineOf(
  { nodes }: RunGraph,
  taskRuns: ReadonlyMap<string, TaskRun>,
  now: number,
): Timeline | undefined {
  const rows = nodes.flatMap((node) =>
    node.children.flatMap(({ name, status }): TimelineRow[] => {
      const run = taskRuns.get(name);
      const spans = run === undefined ? [] : attemptsOf(run).flatMap((attempt) => spanOf(attempt, now));
      const [first] = spans;
      if (first === undefined) return [];
      return [
        {
          task: node.name,
          child: name,
          section: node.section,
          state: status ?? node.state,
          from: first.from,
          to: Math.max(...spans.map(({ to }) => to)),
          bars: spans.flatMap(({ bars }) => bars),
          isCritical: false,
        },
      ];
    }),
  );
  if (rows.length === 0) return undefined;
  const critical = criticalOf(nodes, rows);
  const sorted = rows
    .map((row) => ({ ...row, isCritical: critical.has(row.child) }))
    .sort((left, right) => left.from - right.from || left.to - right.to);
  return { from: Math.min(...rows.map(({ from }) => from)), to: Math.max(...rows.map(({ to }) => to)), rows: sorted };
}

function spanOf(attempt: AttemptView, now: number): { from: number; to: number; bars: TimelineBar[] }[] {
  const from = Date.parse(attempt.started ?? '');
  if (Number.isNaN(from)) return [];
  const to = timeOr(attempt.finished, now, from);
  const steps = attempt.steps.flatMap(({ name, status, started, finished }): TimelineBar[] => {
    const begun = Date.parse(started ?? '');
    if (Number.isNaN(begun) || status === 'waiting' || status === 'skipped') return [];
    // Clocks of nodes differ from that of the controller.
    const at = Math.min(Math.max(begun, from), to);
    return [{ kind: 'step', name, status, from: at, to: Math.min(timeOr(finished, to, at), Math.max(to, at)) }];
  });
  const first = Math.min(to, ...steps.map((step) => step.from));
  const before: TimelineBar[] =
    first > from
      ? [{ kind: 'before', name: '', status: attempt.finished ? 'succeeded' : 'waiting', from, to: first }]
      : [];
  return [{ from, to, bars: [...before, ...steps] }];
}

function timeOr(text: string | undefined, otherwise: number, least: number): number {
  const time = Date.parse(text ?? '');
  return Math.max(least, Number.isNaN(time) ? otherwise : time);
}

/** From the task that ended last back to the first, always by the one before it that ended last. */
function criticalOf(nodes: RunGraph['nodes'], rows: readonly TimelineRow[]): ReadonlySet<string> {
  const parents = new Map(nodes.map(({ name, dependencies }) => [name, dependencies]));
  const lastOf = (some: readonly TimelineRow[]) =>
    some.reduce<TimelineRow | undefined>(
      (last, row) => (last === undefined || row.to > last.to ? row : last),
      undefined,
    );
  const critical = new Set<string>();
  const tasks = rows.filter(({ section }) => section === 'tasks');
  let row = lastOf(rows);
  if (row?.section === 'finally') {
    critical.add(row.child);
    row = lastOf(tasks);
  }
  while (row !== undefined && !critical.has(row.child)) {
    critical.add(row.child);
    const before: ReadonlySet<string> = new Set(parents.get(row.task));
    row = lastOf(tasks.filter(({ task }) => before.has(task)));
  }
  return critical;
}
