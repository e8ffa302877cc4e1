import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { RunList } from '../../view/run-list.ts';
import { useNow } from '../parts/time.tsx';
import type { RunFeed } from './run-feed.ts';
import { RunRow } from './run-row.tsx';

const ROW = 48;
/** Two lines of text. */
const NARROW_ROW = 72;
const narrow = window.matchMedia('(max-width: 800px)');
/** So many rows before the end, the next page is asked for. */
const AHEAD = 60;
const columns = ['Status', 'Run', 'Pipeline', 'Started by', 'Started', 'Duration', 'Signed'];

interface RunTableProps {
  feed: RunFeed;
  list: RunList;
  /** Uids; undefined: runs cannot be chosen. */
  chosen: ReadonlySet<string> | undefined;
  onChoose: (uids: readonly string[], isChosen: boolean) => void;
}

/** Runs in rows, of which only those in sight are there. `j` and `k` go down and up, Enter opens, `x` chooses. */
export function RunTable({ feed, list, chosen, onChoose }: RunTableProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<number>();
  const now = useNow(list.shown.some(({ status }) => status === 'running') ? 1_000 : 20_000);
  const rows = useVirtualizer({
    count: list.shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow.matches ? NARROW_ROW : ROW),
    getItemKey: (index) => list.shown[index]?.uid ?? index,
    overscan: 12,
    initialOffset: feed.offset,
  });
  useEffect(() => {
    const measure = () => rows.measure();
    narrow.addEventListener('change', measure);
    return () => narrow.removeEventListener('change', measure);
  }, [rows]);
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= list.shown.length - AHEAD) void feed.loadMore();
  }, [feed, last, list.shown.length]);
  const move = (to: number) => {
    const index = Math.max(0, Math.min(list.shown.length - 1, to));
    rows.scrollToIndex(index, { align: 'auto' });
    setCurrent(index);
  };
  useKeys((key) => {
    if (key === 'j') move(current === undefined ? 0 : current + 1);
    if (key === 'k') move(current === undefined ? 0 : current - 1);
    const run = current === undefined ? undefined : list.shown[current];
    if (key === 'x' && run !== undefined) onChoose([run.uid], chosen?.has(run.uid) !== true);
  });
  return (
    <div
      role="table"
      aria-label="Runs"
      aria-rowcount={list.total + 1}
      className={chosen === undefined ? 'run-table' : 'run-table selectable'}
    >
      <div role="row" className="run-row run-head" aria-rowindex={1}>
        {chosen !== undefined && <ChooseAll list={list} chosen={chosen} onChoose={onChoose} />}
        {columns.map((column) => (
          <span role="columnheader" key={column}>
            {column}
          </span>
        ))}
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        className="run-rows"
        onScroll={(event) => (feed.offset = event.currentTarget.scrollTop)}
      >
        <div role="presentation" className="run-space" style={{ height: rows.getTotalSize() }}>
          {items.map(({ index, start, size, key }) => {
            const run = list.shown[index];
            return (
              run && (
                <RunRow
                  key={key}
                  run={run}
                  index={index}
                  place={{ start, size }}
                  now={now}
                  isGone={list.gone.has(run.uid)}
                  isCurrent={index === current}
                  onFocus={() => setCurrent(index)}
                  isChosen={chosen?.has(run.uid)}
                  onChoose={(uid, isChosen) => onChoose([uid], isChosen)}
                />
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** All that are loaded: those further down one has not seen. */
function ChooseAll({
  list,
  chosen,
  onChoose,
}: Pick<RunTableProps, 'list' | 'onChoose'> & { chosen: ReadonlySet<string> }): ReactNode {
  const uids = list.shown.filter(({ uid }) => !list.gone.has(uid)).map(({ uid }) => uid);
  const isAll = uids.length > 0 && uids.every((uid) => chosen.has(uid));
  return (
    <span role="columnheader" className="cell-choice">
      <input
        type="checkbox"
        aria-label={`Choose all ${uids.length.toLocaleString('en')} that are loaded`}
        checked={isAll}
        onChange={() => onChoose(uids, !isAll)}
      />
    </span>
  );
}

/** Keys that are not typed into a field. */
function useKeys(onKey: (key: string) => void): void {
  const latest = useRef(onKey);
  useEffect(() => void (latest.current = onKey));
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent | KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        target?.closest('input:not([type=checkbox]), textarea, select, dialog')
      )
        return;
      latest.current(event.key);
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}
