import type { RunObject } from './kinds.ts';
import { age, duration } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { statusText } from './text/values.ts';

/** How the table of runs looks. */
export interface TableOptions {
  everywhere: boolean;
  headers: boolean;
}

/** Runs of one kind. */
export interface ListedRuns {
  title: string;
  runs: readonly RunObject[];
}

/** tkn's table of runs. */
export function listText({ title, runs }: ListedRuns, now: Date, style: Style, options: TableOptions): string {
  if (runs.length === 0) return `No ${title}s found\n`;
  const rows = runs.map((run) => rowOf(run, now, style, options));
  return alignColumns([...headerOf(options), ...rows].join(''));
}

/** The line above the runs, where it is wanted. */
export function headerOf({ everywhere, headers }: TableOptions): string[] {
  return headers ? [`${everywhere ? 'NAMESPACE\t' : ''}NAME\tSTARTED\tDURATION\tSTATUS\n`] : [];
}

/** A run's line, with tabs between its cells. */
export function rowOf({ metadata, status }: RunObject, now: Date, style: Style, options: TableOptions): string {
  const cells = [
    ...(options.everywhere ? [metadata.namespace ?? ''] : []),
    metadata.name ?? '',
    age(status?.startTime, now),
    duration(status?.startTime, status?.completionTime),
    statusText(status?.conditions, style),
  ];
  return `${cells.join('\t')}\n`;
}
