import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { hasBegun } from '../condition.ts';
import { annotations } from '../labels.ts';
import type { Queue } from './queue.ts';

/** A run that has a slot of a queue. */
export interface Holder {
  name: string;
  uid: string;
}

/** How a run stands in its queue. */
export interface Standing {
  /** Counted from one, among those that wait. */
  place: number;
  waiting: readonly PipelineRun[];
  /** Everything that takes up a slot. */
  running: readonly Holder[];
  /** Its turn has come. */
  mayGo: boolean;
}

/**
 * First come, first served within a priority. What runs without a slot (it began before there was a rule) counts as
 * what has one, so that a new rule never lets in too many.
 * @param runs those of the queue that have not ended, the run itself among them
 * @param holders those that have a slot
 */
export function standingOf(
  run: PipelineRun,
  runs: readonly PipelineRun[],
  holders: readonly Holder[],
  { limit }: Pick<Queue, 'limit'>,
): Standing {
  const held = new Set(holders.map(({ uid }) => uid));
  const begun = runs.filter((one) => hasBegun(one) && !held.has(one.metadata.uid ?? '')).map(holderOf);
  const running = [...holders, ...begun];
  const waiting = runs.filter((one) => isWaiting(one) && !held.has(one.metadata.uid ?? '')).toSorted(compareTurns);
  const index = waiting.findIndex(({ metadata }) => metadata.uid === run.metadata.uid);
  const place = (index === -1 ? waiting.length : index) + 1;
  return { place, waiting, running, mayGo: place <= limit - running.length };
}

export function holderOf({ metadata: { name = '', uid = '' } }: PipelineRun): Holder {
  return { name, uid };
}

/** Neither begun, nor held back or cancelled by somebody. */
export function isWaiting(run: PipelineRun): boolean {
  const { status } = run.spec;
  return !hasBegun(run) && status !== 'PipelineRunPending' && status !== 'Cancelled';
}

/** What of a run decides when its turn comes. */
export type InLine = Pick<PipelineRun, 'metadata'>;

/** Who comes first: the higher priority, then the older, then the name, since times are whole seconds. */
export function compareTurns(a: InLine, b: InLine): number {
  return priorityOf(b) - priorityOf(a) || compareAges(a, b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A priority that is no whole number is none. */
export function priorityOf({ metadata }: InLine): number {
  const text = metadata.annotations?.[annotations.queuePriority] ?? '';
  return /^-?\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** A run that makes way for a newer one, and how it is asked to. */
export interface Superseded {
  name: string;
  uid: string;
  status: 'Cancelled' | 'CancelledRunFinally';
}

/**
 * Whom a run that waits cancels: those that came before it and wait, and of those that run so many of the oldest that
 * it has room. What runs may still clean up (its final tasks). The newest run of a queue is never cancelled.
 */
export function supersededBy(
  run: PipelineRun,
  runs: readonly PipelineRun[],
  { waiting, running }: Standing,
  { limit, whenFull }: Pick<Queue, 'limit' | 'whenFull'>,
): Superseded[] {
  if (whenFull === 'queue') return [];
  const isOlder = (one: PipelineRun) => compareAges(one, run) < 0;
  const older = waiting.filter(isOlder).map((one) => ({ ...holderOf(one), status: 'Cancelled' as const }));
  if (whenFull === 'replace-waiting') return older;
  const newerWaiting = waiting.filter((one) => compareAges(one, run) > 0).length;
  const tooMany = running.length + newerWaiting + 1 - limit;
  const going = runs.filter((one) => hasBegun(one) && isOlder(one)).toSorted(compareAges);
  const stopped = going
    .slice(0, Math.max(0, tooMany))
    .filter(({ spec }) => !spec.status)
    .map((one) => ({ ...holderOf(one), status: 'CancelledRunFinally' as const }));
  return [...older, ...stopped];
}

function compareAges(a: InLine, b: InLine): number {
  return (
    compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compare(a.metadata.name ?? '', b.metadata.name ?? '')
  );
}
