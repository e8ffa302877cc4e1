import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { attemptsOf, type AttemptView, type StepStatus } from './attempts.ts';
import type { PodTimes } from './pod-times.ts';
import type { NodeState, RunGraph, RunGraphNode } from './run-graph.ts';

/**
 * What a part of a task's time went into. `predecessor`: other tasks; `queue`: a queue or a quota; `node`: a node for
 * the pod; `pulling`: images and containers; `before`: all of that together, where the pod is gone that could tell;
 * `step`: a step.
 */
export type TimelineKind = 'predecessor' | 'queue' | 'node' | 'pulling' | 'before' | 'step';

/** A part of a task's time. Times are milliseconds since the epoch. */
export interface TimelineBar {
  kind: TimelineKind;
  /** Of the step; empty for what is none. */
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

/** What the timeline of a run is made from, beside its tasks. */
export interface TimelineFacts {
  /** By name. */
  taskRuns: ReadonlyMap<string, TaskRun>;
  /** By name: those that are still there. */
  pods: ReadonlyMap<string, PodTimes>;
  /** When the run was made, RFC 3339. */
  created: string | undefined;
  now: number;
}

/** Where the time of a run went. Undefined before anything of it has begun. */
export function timelineOf({ nodes }: RunGraph, facts: TimelineFacts): Timeline | undefined {
  const rows = nodes.flatMap((node) => rowsOf(node, facts));
  if (rows.length === 0) return undefined;
  const critical = criticalOf(nodes, rows);
  const from = Math.min(timeOr(facts.created, Infinity, 0), ...rows.map((row) => row.from));
  const waited = waitsOf(nodes, rows);
  const sorted = rows
    .map((row) => ({
      ...row,
      bars: [...waitBars(from, waited.get(row.task), row.from), ...row.bars],
      isCritical: critical.has(row.child),
    }))
    .sort((left, right) => left.from - right.from || left.to - right.to);
  return { from, to: Math.max(...rows.map(({ to }) => to)), rows: sorted };
}

function rowsOf(node: RunGraphNode, { taskRuns, pods, now }: TimelineFacts): TimelineRow[] {
  return node.children.flatMap(({ name, status }): TimelineRow[] => {
    const run = taskRuns.get(name);
    const spans = run === undefined ? [] : attemptsOf(run).flatMap((attempt) => spanOf(attempt, pods, now));
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
  });
}

/** Until when each task had to wait for others, by name; missing: for none. What was skipped passes its own wait on. */
function waitsOf(nodes: RunGraph['nodes'], rows: readonly TimelineRow[]): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const { task, to } of rows) ends.set(task, Math.max(to, ends.get(task) ?? 0));
  const waited = new Map<string, number>();
  const all = nodes.filter(({ section }) => section === 'tasks').map(({ name }) => name);
  // Parents come first.
  for (const { name, section, dependencies } of nodes) {
    const before = section === 'finally' ? all : dependencies;
    const times = before.flatMap((each) => ends.get(each) ?? waited.get(each) ?? []);
    if (times.length > 0)
      waited.set(
        name,
        times.reduce((last, time) => Math.max(last, time)),
      );
  }
  return waited;
}

/** What a task waited for before its first attempt: others, then a queue. */
function waitBars(from: number, others: number | undefined, to: number): TimelineBar[] {
  const turn = others === undefined ? from : Math.min(Math.max(from, others), to);
  return [bar('predecessor', from, turn), bar('queue', turn, to)].filter(isSome);
}

function bar(kind: TimelineKind, from: number, to: number, status: StepStatus = 'succeeded'): TimelineBar {
  return { kind, name: '', status, from, to };
}

function isSome({ from, to }: TimelineBar): boolean {
  return to > from;
}

function spanOf(
  attempt: AttemptView,
  pods: ReadonlyMap<string, PodTimes>,
  now: number,
): { from: number; to: number; bars: TimelineBar[] }[] {
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
  return [{ from, to, bars: [...podBars(attempt, pods, { from, to: first }), ...steps] }];
}

/** What came before the first step: the quota let the pod be made, a node was found, images were pulled. */
function podBars(
  { pod, finished }: AttemptView,
  pods: ReadonlyMap<string, PodTimes>,
  { from, to }: { from: number; to: number },
): TimelineBar[] {
  const status = finished === undefined ? 'waiting' : 'succeeded';
  const times = pod === undefined ? undefined : pods.get(pod);
  // Without a pod it waits for one; what had none and is over, or had one that is gone, cannot be told apart further.
  if (times === undefined)
    return [bar(pod === undefined && finished === undefined ? 'queue' : 'before', from, to, status)].filter(isSome);
  const within = (time: number, least: number) => Math.min(Math.max(time, least), to);
  const made = within(times.created, from);
  const placed = within(times.scheduled ?? to, made);
  return [
    bar('queue', from, made, status),
    bar('node', made, placed, status),
    bar('pulling', placed, to, status),
  ].filter(isSome);
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
