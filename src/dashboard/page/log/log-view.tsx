import { useEffect, useState, type ReactNode } from 'react';
import { foldsOf } from '../../view/folds.ts';
import { Text } from '../parts/text.tsx';
import { LogLines } from './log-lines.tsx';
import { LogTools, type LogSettings } from './log-tools.tsx';
import type { LogSource, LogState } from './messages.ts';
import { usePickedLines } from './picked-lines.ts';
import { useLog } from './use-log.ts';
import '../style/log.css';

interface LogViewProps {
  source: LogSource;
  /** The container has ended. */
  isOver: boolean;
  /** Begin with the last lines: what somebody looks for is there. */
  isEndFirst: boolean;
  /** Where the whole log is, as text: there, or where old logs are. */
  whole: { address: string; fallback?: string; fileName: string };
  /** Of the page that shows this log. */
  href: string;
}

/** The log of a container: its lines, and what one does with them. */
export function LogView({ source, isOver, isEndFirst, whole, href }: LogViewProps): ReactNode {
  const log = useLog(source, isOver);
  const { state, found } = log;
  const [settings, setSettings] = useState<LogSettings>({ hasTime: false, isWrapped: false, follows: isEndFirst });
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const [match, setMatch] = useState(0);
  useEffect(() => setMatch(0), [found]);
  const matchLine = found.lines[match];
  const [picked, pick] = usePickedLines(href);
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
        download={{ address: (state.isOld ? whole.fallback : undefined) ?? whole.address, fileName: whole.fileName }}
        {...(state.groups.length > 0
          ? {
              areAllFolded,
              onFoldAll: () => setFolded(new Set(areAllFolded ? [] : state.groups.map(({ start }) => start))),
            }
          : {})}
      />
      <Notes state={state} hasArchive={source.fallback !== undefined} />
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

/** What there is to know of a log beside its lines. */
function Notes({ state, hasArchive }: { state: LogState; hasArchive: boolean }): ReactNode {
  const { problem, isGone, isOld, isCut, isOpen, lines } = state;
  return (
    <>
      {problem !== undefined && (
        <p className="log-note bad" role="alert">
          <Text of={problem} />
        </p>
      )}
      {isGone && <Gone hasArchive={hasArchive} />}
      {isOld && !isGone && <p className="log-note">From the place of old logs: the cluster has this one no longer.</p>}
      {isCut && (
        <p className="log-note">
          The log is longer than this page keeps: what comes after line {lines.toLocaleString('en')} is in the download.
        </p>
      )}
      {lines === 0 && !isOpen && !isGone && problem === undefined && (
        <p className="log-note">This step wrote nothing.</p>
      )}
    </>
  );
}

/** The pod was deleted, with the run's other pods or by the pruner: its log went with it. */
function Gone({ hasArchive }: { hasArchive: boolean }): ReactNode {
  return (
    <p className="log-note" role="status">
      The pod of this step is gone, and its log with it.{' '}
      {hasArchive
        ? 'The place of old logs does not have it either.'
        : 'Logs that are kept elsewhere show here when the dashboard knows the place (--external-logs).'}
    </p>
  );
}

function toggled(set: ReadonlySet<number>, value: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}
