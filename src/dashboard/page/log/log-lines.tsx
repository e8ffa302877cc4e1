import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useRef, type ReactNode } from 'react';
import { lineOfRow, rowCount, rowOfLine, type Fold } from '../../view/folds.ts';
import { Line } from './line.tsx';
import type { LogSettings } from './log-tools.tsx';
import type { PickedLines } from './picked-lines.ts';
import type { Log } from './use-log.ts';

const ROW = 20;
/** Rows that come and go together: a place is kept in memory for each block, and not for each of a million rows. */
const BLOCK = 25;
/** So near to the end, one is at the end. */
const NEAR = 30;
/** So long a line that was asked for is kept in the middle, while what is above it is measured. */
const SETTLE_MS = 1_000;

interface LogLinesProps {
  log: Log;
  folds: readonly Fold[];
  folded: ReadonlySet<number>;
  onFold: (start: number) => void;
  settings: LogSettings;
  onChange: (some: Partial<LogSettings>) => void;
  picked: PickedLines | undefined;
  onPick: (line: number, isRange: boolean) => void;
  /** The line that a search is at. */
  matchLine?: number;
}

/** The lines of a log, of which only those in sight are elements. */
export function LogLines(props: LogLinesProps): ReactNode {
  const { log, folds, settings, onChange, picked, matchLine } = props;
  const { lines, groups, isOpen } = log.state;
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const count = rowCount(folds, lines);
  const rows = useRows(scroller, count);
  useEffect(() => rows.measure(), [rows, settings.isWrapped]);
  useFollow({ scroller, count, follows: settings.follows && picked === undefined });
  const { toLine, leave } = useToLine(scroller, rows, folds);
  const isPickedThere = picked !== undefined && lines >= picked.first;
  useEffect(() => {
    if (isPickedThere) toLine(picked.first - 1);
    // Once, when the line that the address points at has come.
  }, [isPickedThere]);
  useEffect(() => {
    if (matchLine !== undefined) toLine(matchLine);
  }, [matchLine]);
  const starts = new Set(groups.map(({ start }) => start));
  return (
    <div
      ref={scroller}
      className={settings.isWrapped ? 'log-lines wrapped' : 'log-lines'}
      tabIndex={0}
      role="region"
      aria-label="Lines of the log"
      onWheel={leave}
      onPointerDown={leave}
      onKeyDown={leave}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
        // Lines that came meanwhile take the end away as well: only who goes up leaves it.
        const isUp = scrollTop < lastTop.current;
        lastTop.current = scrollTop;
        if (isOpen && isAtEnd !== settings.follows && (isAtEnd || isUp)) onChange({ follows: isAtEnd });
      }}
    >
      <div className="log-space" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => (
          <div
            key={key}
            data-index={index}
            ref={settings.isWrapped ? rows.measureElement : undefined}
            className="log-block"
            style={{ transform: `translateY(${start}px)` }}
          >
            {Array.from({ length: rowsIn(index, count) }, (_, at) => (
              <Row key={at} row={index * BLOCK + at} starts={starts} {...props} />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

interface RowProps extends LogLinesProps {
  row: number;
  /** Lines that begin a group. */
  starts: ReadonlySet<number>;
}

function Row({ row, starts, log, folds, folded, onFold, settings, picked, onPick, matchLine }: RowProps): ReactNode {
  const at = lineOfRow(folds, row);
  const isPicked = picked !== undefined && at + 1 >= picked.first && at + 1 <= picked.last;
  return (
    <div className={`line${isPicked ? ' picked' : ''}${at === matchLine ? ' matched' : ''}`} data-row={row}>
      <Line
        line={log.line(at)}
        number={at + 1}
        hasTime={settings.hasTime}
        isFolded={starts.has(at) ? folded.has(at) : undefined}
        onFold={() => onFold(at)}
        onPick={(isRange) => onPick(at + 1, isRange)}
      />
    </div>
  );
}

type Rows = ReturnType<typeof useRows>;

/** Blocks of rows, of which those in sight are elements. */
function useRows(scroller: React.RefObject<HTMLDivElement | null>, count: number) {
  return useVirtualizer({
    count: Math.ceil(count / BLOCK),
    getScrollElement: () => scroller.current,
    estimateSize: (block) => rowsIn(block, count) * ROW,
    // Another one for each count: the last block grows, and is measured again.
    getItemKey: useCallback((block: number) => block, [count]),
    overscan: 1,
  });
}

function rowsIn(block: number, count: number): number {
  return Math.max(0, Math.min(BLOCK, count - block * BLOCK));
}

/**
 * Brings a line into the middle: first to where it should be, and when it is there, to where it is, for wrapped lines
 * are as high as they are. `leave` lets go of it: its reader goes elsewhere.
 */
function useToLine(
  scroller: React.RefObject<HTMLDivElement | null>,
  rows: Rows,
  folds: readonly Fold[],
): { toLine: (line: number) => void; leave: () => void } {
  const wanted = useRef<{ row: number; until: number }>(undefined);
  useLayoutEffect(() => {
    const { current } = scroller;
    if (!current || wanted.current === undefined) return;
    const row = current.querySelector(`[data-row="${wanted.current.row}"]`);
    if (performance.now() > wanted.current.until) wanted.current = undefined;
    if (row === null) return;
    const middle = (element: Element) => {
      const { top, height } = element.getBoundingClientRect();
      return top + height / 2;
    };
    current.scrollTop += middle(row) - middle(current);
  });
  const leave = () => void (wanted.current = undefined);
  const toLine = (line: number) => {
    const row = rowOfLine(folds, line);
    const [start = 0] = rows.getOffsetForIndex(Math.floor(row / BLOCK), 'start') ?? [];
    const height = scroller.current?.clientHeight ?? 0;
    wanted.current = { row, until: performance.now() + SETTLE_MS };
    rows.scrollToOffset(start + (row % BLOCK) * ROW - height / 2);
  };
  return { toLine, leave };
}

interface Following {
  scroller: React.RefObject<HTMLDivElement | null>;
  count: number;
  follows: boolean;
}

/** Keeps the last line in sight as lines come. */
function useFollow({ scroller, count, follows }: Following): void {
  useEffect(() => {
    const { current } = scroller;
    if (follows && current !== null) current.scrollTop = current.scrollHeight;
  }, [scroller, count, follows]);
}
