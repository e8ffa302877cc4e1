import { useCallback, useEffect, useRef, useState } from 'react';
import type { LogLine } from '../../view/log-store.ts';
import type { FromLog, LogSource, LogState, ToLog } from './messages.ts';

/** What a search found: lines, counted from 0. */
export interface Found {
  lines: readonly number[];
  isCut: boolean;
  isDone: boolean;
  problem?: string;
}

export interface Log {
  state: LogState;
  found: Found;
  /** A line, when it is there: asking for it fetches it. */
  line(at: number): LogLine | undefined;
  search: (text: string, isExpression: boolean) => void;
}

const BLOCK = 200;
/** About twenty screens: others are fetched again. */
const MOST_BLOCKS = 40;
const before: LogState = { lines: 0, bytes: 0, groups: [], isOpen: true, isCut: false, isOld: false, isGone: false };
const nothingFound: Found = { lines: [], isCut: false, isDone: true };

/** A log that is held by a worker of its own, for as long as the component is there. */
export function useLog({ address, fallback }: LogSource, isOver: boolean): Log {
  const worker = useRef<Worker>(undefined);
  const blocks = useRef(new Map<number, LogLine[]>());
  const asked = useRef(new Map<number, number>());
  const searches = useRef(0);
  const [state, setState] = useState(before);
  const [found, setFound] = useState(nothingFound);
  const [, setArrived] = useState(0);
  const send = useCallback((message: ToLog) => worker.current?.postMessage(message), []);

  useEffect(() => {
    const made = new Worker(new URL('./log.worker.ts', import.meta.url), { type: 'module' });
    worker.current = made;
    blocks.current = new Map();
    asked.current = new Map();
    setState(before);
    setFound(nothingFound);
    made.onmessage = ({ data }: MessageEvent<FromLog>) => {
      if (data.type === 'state') setState(data.state);
      else if (data.type === 'lines') {
        keep(blocks.current, data.block, data.lines);
        setArrived((count) => count + 1);
      } else if (data.id === searches.current) setFound(data);
    };
    made.onerror = () =>
      setState((now) => ({ ...now, isOpen: false, problem: 'the log cannot be read here: reload the page' }));
    made.postMessage({
      type: 'open',
      source: { address, ...(fallback === undefined ? {} : { fallback }) },
    } satisfies ToLog);
    return () => {
      made.terminate();
      worker.current = undefined;
    };
  }, [address, fallback]);

  useEffect(() => {
    if (isOver) send({ type: 'over' });
  }, [isOver, send, address, fallback]);

  const line = (at: number): LogLine | undefined => {
    const block = Math.floor(at / BLOCK);
    const wanted = Math.min(BLOCK, state.lines - block * BLOCK);
    const there = blocks.current.get(block);
    // The last block grows, and so does its last line.
    const isOld = there === undefined || there.length < wanted || (state.isOpen && wanted < BLOCK);
    if (isOld && asked.current.get(block) !== state.bytes) {
      asked.current.set(block, state.bytes);
      send({ type: 'lines', block, from: block * BLOCK, to: (block + 1) * BLOCK });
    }
    return there?.[at % BLOCK];
  };

  const search = useCallback(
    (text: string, isExpression: boolean) => {
      searches.current += 1;
      if (text === '') setFound(nothingFound);
      else send({ type: 'search', id: searches.current, text, isExpression });
    },
    [send],
  );
  return { state, found, line, search };
}

function keep(blocks: Map<number, LogLine[]>, block: number, lines: LogLine[]): void {
  blocks.delete(block);
  blocks.set(block, lines);
  for (const oldest of blocks.keys()) {
    if (blocks.size <= MOST_BLOCKS) return;
    blocks.delete(oldest);
  }
}
