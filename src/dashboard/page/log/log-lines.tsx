import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import { lineOfRow, rowCount, rowOfLine, type Fold } from '../../view/folds.ts';
import { Line } from './line.tsx';
import type { LogSettings } from './log-tools.tsx';
import type { PickedLines } from './picked-lines.ts';
import type { Log } from './use-log.ts';

const ROW = 20;
/** So near to the end, one is at the end. */
const NEAR = 30;

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
  const { log, folds, folded, onFold, settings, onChange, picked, onPick, matchLine } = props;
  const { lines, groups, isOpen } = log.state;
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const count = rowCount(folds, lines);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 30,
  });
  useEffect(() => rows.measure(), [rows, settings.isWrapped]);
  useFollow({ scroller, count, follows: settings.follows && picked === undefined });
  const toLine = (line: number) => rows.scrollToIndex(rowOfLine(folds, line), { align: 'center' });
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
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
        // Lines that came meanwhile take the end away as well: only who goes up leaves it.
        const isUp = scrollTop < lastTop.current;
        lastTop.current = scrollTop;
        if (isOpen && isAtEnd !== settings.follows && (isAtEnd || isUp)) onChange({ follows: isAtEnd });
      }}
    >
      <div className="log-space" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const at = lineOfRow(folds, index);
          const isPicked = picked !== undefined && at + 1 >= picked.first && at + 1 <= picked.last;
          return (
            <div
              key={key}
              data-index={index}
              ref={settings.isWrapped ? rows.measureElement : undefined}
              className={`line${isPicked ? ' picked' : ''}${at === matchLine ? ' matched' : ''}`}
              style={{ transform: `translateY(${start}px)` }}
            >
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
        })}
      </div>
    </div>
  );
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
