import type { LogGroup } from './log-store.ts';

/** Lines of a log that are not shown: from `from` on, `count` of them. Sorted, without overlap. */
export interface Fold {
  from: number;
  count: number;
}

/** What is not shown when the groups that begin at these lines are folded: all of each but its first line. */
export function foldsOf(groups: readonly LogGroup[], folded: ReadonlySet<number>, lines: number): Fold[] {
  return groups.flatMap(({ start, end = lines - 1 }) => {
    const count = Math.min(end, lines - 1) - start;
    return folded.has(start) && count > 0 ? [{ from: start + 1, count }] : [];
  });
}

/** How many rows are left to show. */
export function rowCount(folds: readonly Fold[], lines: number): number {
  return lines - folds.reduce((sum, { count }) => sum + count, 0);
}

/** The line that stands in a row. */
export function lineOfRow(folds: readonly Fold[], row: number): number {
  let line = row;
  for (const { from, count } of folds) {
    if (line < from) return line;
    line += count;
  }
  return line;
}

/** The row in which a line stands; that of its group's first line while it is folded away. */
export function rowOfLine(folds: readonly Fold[], line: number): number {
  let row = line;
  for (const { from, count } of folds) {
    if (line < from) return row;
    row -= Math.min(count, line - from + 1);
  }
  return row;
}
