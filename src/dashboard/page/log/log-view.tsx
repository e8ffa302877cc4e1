import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { foldsOf } from '../../view/folds.ts';
import { Text } from '../parts/text.tsx';
import { LogLines } from './log-lines.tsx';
import { LogTools, type LogSettings } from './log-tools.tsx';
import type { LogSource } from './messages.ts';
import { useLog } from './use-log.ts';
import '../style/log.css';

interface LogViewProps {
  source: LogSource;
  /** The container has ended. */
  isOver: boolean;
  /** Begin with the last lines: what somebody looks for is there. */
  isEndFirst: boolean;
  /** Where the whole log is, as text. */
  download: { address: string; fileName: string };
}

/** The log of a container: its lines, and what one does with them. */
export function LogView({ source, isOver, isEndFirst, download }: LogViewProps): ReactNode {
  const log = useLog(source, isOver);
  const { state, found } = log;
  const [settings, setSettings] = useState<LogSettings>({ hasTime: false, isWrapped: false, follows: isEndFirst });
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const [match, setMatch] = useState(0);
  useEffect(() => setMatch(0), [found]);
  const matchLine = found.lines[match];
  const [picked, pick] = usePickedLines();
  const change = (some: Partial<LogSettings>) => setSettings((now) => ({ ...now, ...some }));
  const fold = (start: number) => setFolded((now) => toggled(now, start));
  const areAllFolded = state.groups.length > 0 && state.groups.every(({ start }) => folded.has(start));
  return (
    <section className="log" aria-label="Log">
      <LogTools
        log={log}
        settings={settings}
        onChange={change}
        match={match}
        onMatch={setMatch}
        download={download}
        {...(state.groups.length > 0
          ? {
              areAllFolded,
              onFoldAll: () => setFolded(new Set(areAllFolded ? [] : state.groups.map(({ start }) => start))),
            }
          : {})}
      />
      {state.problem !== undefined && (
        <p className="log-note bad" role="alert">
          <Text of={state.problem} />
        </p>
      )}
      {state.isOld && <p className="log-note">From the place of old logs: the cluster has this one no longer.</p>}
      {state.isCut && (
        <p className="log-note">
          The log is longer than this page keeps: what comes after line {state.lines.toLocaleString('en')} is in the
          download.
        </p>
      )}
      {state.lines === 0 && !state.isOpen && state.problem === undefined && (
        <p className="log-note">This step wrote nothing.</p>
      )}
      <LogLines
        log={log}
        folds={foldsOf(state.groups, folded, state.lines)}
        folded={folded}
        onFold={fold}
        settings={settings}
        onChange={change}
        picked={picked}
        onPick={pick}
        {...(matchLine === undefined ? {} : { matchLine })}
      />
    </section>
  );
}

function toggled(set: ReadonlySet<number>, value: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}

/** First and last line that the address points at, counted from 1. */
export interface PickedLines {
  first: number;
  last: number;
}

function usePickedLines(): [PickedLines | undefined, (line: number, isRange: boolean) => void] {
  const [picked, setPicked] = useState(() => linesIn(location.hash));
  useEffect(() => {
    const read = () => setPicked(linesIn(location.hash));
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  // Reads the address, which is never older than what the lines were drawn with.
  const pick = useCallback((line: number, isRange: boolean) => {
    const from = (isRange ? linesIn(location.hash)?.first : undefined) ?? line;
    const [first, last] = [Math.min(from, line), Math.max(from, line)];
    setPicked({ first, last });
    const hash = `#L${first}${last > first ? `-L${last}` : ''}`;
    history.replaceState(history.state, '', `${location.pathname}${location.search}${hash}`);
  }, []);
  return [picked, pick];
}

function linesIn(hash: string): PickedLines | undefined {
  const [, first, last] = /^#L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash) ?? [];
  if (first === undefined || Number(first) < 1) return undefined;
  return { first: Number(first), last: Math.max(Number(first), Number(last ?? first)) };
}
