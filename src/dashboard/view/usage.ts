import type { RunStatus, RunSummary } from '../contract.ts';
import { isOver } from './status.ts';
import { spanBetween, spanText } from './span.ts';

/**
 * How often runs succeeded, in words: `18 of 20 runs succeeded (90 %)`. What was cancelled says nothing of a
 * definition, and what is not over nothing yet. Empty when no run counts.
 */
export function successText(counts: Readonly<Record<RunStatus, number>>): string {
  const of = counts.succeeded + counts.failed + counts['timed-out'];
  if (of === 0) return '';
  // Rounded down: 100 % means all of them.
  return `${counts.succeeded} of ${of} ${of === 1 ? 'run' : 'runs'} succeeded (${Math.floor((counts.succeeded / of) * 100)} %)`;
}

/** A run among others of its definition: how it ended and how long it took. */
export interface UsageBar {
  uid: string;
  run: RunSummary;
  /** Of the longest, more than 0 to 1. */
  height: number;
  /** For who does not see the bar. */
  text: string;
}

const LOWEST = 0.06;

/** Runs that are over as bars, the oldest first. */
export function usageBars(runs: readonly RunSummary[], most: number): UsageBar[] {
  const over = runs
    .filter(({ status }) => isOver(status))
    .slice(0, most)
    .reverse();
  const spans = over.map(({ started, finished }) => spanBetween(started, finished ?? started, 0) ?? 0);
  const longest = Math.max(1, ...spans);
  return over.map((run, at) => {
    const span = spans[at] ?? 0;
    const words = [run.name, run.status, spanText(span)].filter((part) => part !== '');
    return { uid: run.uid, run, height: Math.max(LOWEST, span / longest), text: words.join(', ') };
  });
}
