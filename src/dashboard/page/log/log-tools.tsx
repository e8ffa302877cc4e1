import { useEffect, useState, type ReactNode } from 'react';
import type { Log } from './use-log.ts';

export interface LogSettings {
  hasTime: boolean;
  isWrapped: boolean;
  /** The last line stays in sight. */
  follows: boolean;
}

interface LogToolsProps {
  log: Log;
  settings: LogSettings;
  onChange: (some: Partial<LogSettings>) => void;
  /** Which of the lines found. */
  match: number;
  onMatch: (match: number) => void;
  download: { address: string; fileName: string };
  areAllFolded?: boolean;
  onFoldAll?: () => void;
}

const TYPING_MS = 200;

export function LogTools(props: LogToolsProps): ReactNode {
  const { log, settings, onChange, match, onMatch, download, areAllFolded, onFoldAll } = props;
  const { state } = log;
  return (
    <div className="log-tools">
      <LogSearch log={log} match={match} onMatch={onMatch} />
      <span className="spring" />
      <span className="muted log-size">
        {state.lines.toLocaleString('en')} {state.lines === 1 ? 'line' : 'lines'}
        {state.isOpen ? ', live' : ''}
      </span>
      <Toggle isOn={settings.follows} onClick={() => onChange({ follows: !settings.follows })} label="Follow" />
      <Toggle isOn={settings.hasTime} onClick={() => onChange({ hasTime: !settings.hasTime })} label="Times" />
      <Toggle isOn={settings.isWrapped} onClick={() => onChange({ isWrapped: !settings.isWrapped })} label="Wrap" />
      {onFoldAll !== undefined && <Toggle isOn={areAllFolded === true} onClick={onFoldAll} label="Fold" />}
      <a className="tool" href={download.address} target="_blank" rel="noopener noreferrer">
        Raw
      </a>
      <a className="tool" href={download.address} download={download.fileName}>
        Download
      </a>
    </div>
  );
}

function Toggle({ isOn, onClick, label }: { isOn: boolean; onClick: () => void; label: string }): ReactNode {
  return (
    <button type="button" className="tool" aria-pressed={isOn} onClick={onClick}>
      {label}
    </button>
  );
}

function LogSearch({ log, match, onMatch }: Pick<LogToolsProps, 'log' | 'match' | 'onMatch'>): ReactNode {
  const { found, search } = log;
  const [text, setText] = useState('');
  const [isExpression, setExpression] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => search(text, isExpression), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, isExpression, search]);
  const move = (by: number) => {
    const count = found.lines.length;
    if (count > 0) onMatch((match + by + count) % count);
  };
  const many = `${found.lines.length.toLocaleString('en')}${found.isCut ? ' or more' : ''}`;
  return (
    <form
      className="log-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        move(1);
      }}
    >
      <input
        type="search"
        value={text}
        placeholder="Search the log"
        aria-label="Search the log"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !event.shiftKey) return;
          event.preventDefault();
          move(-1);
        }}
      />
      <button
        type="button"
        className="tool"
        aria-pressed={isExpression}
        title="The text is a regular expression"
        onClick={() => setExpression(!isExpression)}
      >
        .*
      </button>
      <span className="muted log-found" role="status">
        {found.problem ?? (text === '' ? '' : found.lines.length === 0 ? 'not found' : `${match + 1} of ${many}`)}
      </span>
    </form>
  );
}
