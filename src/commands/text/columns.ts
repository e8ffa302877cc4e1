import { printable } from './printable.ts';

/**
 * Text with tab-separated cells, laid out as Go's text/tabwriter does with tkn's settings (minimum width 0, padding of
 * spaces): a column is a run of consecutive lines that have a tab after that cell; each run is as wide as its widest
 * cell. What follows the last tab of a line belongs to no column.
 */
export function alignColumns(text: string, padding = 3): string {
  const lines = printable(text)
    .split('\n')
    .map((line) => line.split('\t'));
  const widths = lines.map((cells) => cells.map(() => 0));
  const deepest = Math.max(0, ...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < deepest; column++) {
    let start = 0;
    while (start < lines.length) {
      let end = start;
      while (end < lines.length && hasColumn(lines[end], column)) end++;
      const width = padding + Math.max(0, ...lines.slice(start, end).map((cells) => length(cells[column] ?? '')));
      for (const row of widths.slice(start, end)) row[column] = width;
      start = Math.max(end, start + 1);
    }
  }
  return lines
    .map((cells, row) =>
      cells
        .map((cell, column) => (column === cells.length - 1 ? cell : pad(cell, widths[row]?.[column] ?? 0)))
        .join(''),
    )
    .join('\n');
}

function hasColumn(cells: string[] | undefined, column: number): boolean {
  return cells !== undefined && cells.length - 1 > column;
}

/** Characters, as text/tabwriter counts them: every rune is one wide. */
function length(cell: string): number {
  return [...cell].length;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - length(cell)));
}
