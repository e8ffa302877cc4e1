import { annotations } from '../../core/labels.ts';
import { compareTurns, type InLine } from '../../core/queue/standing.ts';
import type { Waiting } from '../../core/queue/waiting-message.ts';
import type { QueuePage, RunQueue, RunStatus, StartedBy, WaitingRun } from '../contract.ts';
import { isOver } from './status.ts';

/** A run that waits, as the index has it. */
export interface QueuedRun {
  namespace: string;
  name: string;
  uid: string;
  definition?: string;
  startedBy: StartedBy;
  created: string;
  priority: number;
  /** What its condition says; undefined for a condition that nobody of ours wrote. */
  waiting: Waiting | undefined;
}

export interface QueueQuestion {
  isAsked: (run: QueuedRun) => boolean;
  /** What became of a PipelineRun that a queue names; undefined: there is none that is known. */
  statusOf: (namespace: string, name: string) => RunStatus | undefined;
}

/** One page: who waits further back hears so from his own run. */
const MOST_QUEUES = 200;
const MOST_RUNS = 1_000;
const MOST_RUNS_OF_ONE = 100;

/**
 * Who waits where, for whom. Places are counted here, by the controller's own order: what each run's condition says is
 * from when it looked last, which is up to ten seconds ago, and two may then claim the same place.
 */
export function queuesOf(runs: readonly QueuedRun[], { isAsked, statusOf }: QueueQuestion): Omit<QueuePage, 'missing'> {
  const groups = Map.groupBy(runs, ({ namespace, waiting }) => JSON.stringify([namespace, waiting?.queue ?? '']));
  const whole = [...groups.values()]
    .map((group) =>
      queueOf(
        group.toSorted((one, other) => compareTurns(inLine(one), inLine(other))),
        statusOf,
        isAsked,
      ),
    )
    .filter(({ runs: asked }) => asked.length > 0)
    .toSorted(compareQueues);
  let left = MOST_RUNS;
  const queues = whole.slice(0, MOST_QUEUES).flatMap((queue) => {
    const shown = queue.runs.slice(0, Math.min(left, MOST_RUNS_OF_ONE));
    left -= shown.length;
    return shown.length === 0 ? [] : [{ ...queue, runs: shown }];
  });
  const waiting = whole.reduce((sum, queue) => sum + queue.runs.length, 0);
  return { queues, waiting, isCut: queues.reduce((sum, queue) => sum + queue.runs.length, 0) < waiting };
}

function queueOf(
  line: readonly QueuedRun[],
  statusOf: QueueQuestion['statusOf'],
  isAsked: QueueQuestion['isAsked'],
): RunQueue {
  // Whoever is in front looked last, as a rule, for it is woken first.
  const told = line.flatMap(({ waiting }) => waiting?.standing ?? [])[0];
  const { namespace = '', waiting } = line[0] ?? {};
  const running = (told?.running ?? []).map((name) => ({ name, ...given(statusOf(namespace, name)) }));
  return {
    namespace,
    title: waiting?.queue ?? '',
    ...(told === undefined ? {} : { limit: told.limit }),
    running: running.filter(({ status }) => status === undefined || !isOver(status)),
    moreRunning: told?.moreRunning ?? 0,
    waiting: line.length,
    runs: line.map((run, at) => waitingRun(run, at, line[at - 1])).filter((_run, at) => isAsked(line[at] as QueuedRun)),
  };
}

function waitingRun({ waiting, ...run }: QueuedRun, at: number, before: QueuedRun | undefined): WaitingRun {
  const problem = waiting === undefined ? 'its condition does not say in which queue' : waiting.problem;
  return {
    ...run,
    place: at + 1,
    ...(before === undefined ? {} : { behind: before.name }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function given(status: RunStatus | undefined): { status?: RunStatus } {
  return status === undefined ? {} : { status };
}

function inLine({ name, created, priority }: QueuedRun): InLine {
  return {
    metadata: { name, creationTimestamp: created, annotations: { [annotations.queuePriority]: `${priority}` } },
  };
}

/** The longest first; then those that stay where they are. */
function compareQueues(one: RunQueue, other: RunQueue): number {
  const [left, right] = [one, other].map(({ namespace, title }) => `${namespace} ${title}`);
  return other.waiting - one.waiting || ((left ?? '') < (right ?? '') ? -1 : 1);
}

/** A queue as a heading has it. */
export function queueTitle(title: string): string {
  return title === '' ? 'A queue that is not named' : title.replace(/^the queue of (?:its )?/, '').replace(/^./, upper);
}

function upper(letter: string): string {
  return letter.toUpperCase();
}
