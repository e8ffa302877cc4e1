import { formatDuration } from '../../duration.ts';

/** What tkn shows where there is nothing to show. */
export const nothing = '---';

const UNITS: readonly [name: string, ms: number][] = [
  ['year', 365 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
];

/** How long ago an RFC 3339 time was, in its largest unit: "3 minutes ago", "1 hour ago"; "---" without a time. */
export function age(time: string | undefined, now: Date): string {
  if (!time) return nothing;
  // A client clock that runs behind the cluster's gives a negative span; the run has started all the same.
  const span = Math.max(0, now.getTime() - Date.parse(time));
  const [name, ms] = UNITS.find(([, size]) => span >= size) ?? ['second', 1_000];
  return `${counted(Math.floor(span / ms), name)} ago`;
}

/** A span in all its units: "1 hour 30 minutes". */
export function spanText(ms: number): string {
  let left = Math.max(0, ms);
  const parts = UNITS.flatMap(([name, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? [] : [counted(count, name)];
  });
  return parts.join(' ') || counted(0, 'second');
}

function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** Span between two RFC 3339 times as Go prints durations ("1m5s"); "---" when either is missing. */
export function duration(start: string | undefined, end: string | undefined): string {
  return start && end ? formatDuration(Date.parse(end) - Date.parse(start)) : nothing;
}
