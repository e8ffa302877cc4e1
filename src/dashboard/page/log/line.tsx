import { memo, type ReactNode } from 'react';
import type { LogLine } from '../../view/log-store.ts';
import { commandOf, piecesOf, type LineCommand, type TextPiece } from '../../view/log-text.ts';

interface LineProps {
  line: LogLine | undefined;
  /** Counted from 1. */
  number: number;
  hasTime: boolean;
  /** It begins a group that is folded, or open; undefined: it begins none. */
  isFolded: boolean | undefined;
  onFold: () => void;
  onPick: (isRange: boolean) => void;
}

/** What stands in one line. */
export const Line = memo(
  function Line({ line, number, hasTime, isFolded, onFold, onPick }: LineProps): ReactNode {
    const command = line && commandOf(line.text);
    return (
      <>
        <a
          className="line-number"
          href={`#L${number}`}
          aria-label={`Line ${number}`}
          onClick={(event) => {
            event.preventDefault();
            onPick(event.shiftKey);
          }}
        >
          {number}
        </a>
        {hasTime && <span className="line-time">{line?.time?.slice(0, 23).replace('T', ' ') ?? ''}</span>}
        {isFolded !== undefined && (
          <button type="button" className="fold" aria-expanded={!isFolded} onClick={onFold}>
            <span className="sr-only">{isFolded ? 'Unfold' : 'Fold'}</span>
          </button>
        )}
        <code className={command === undefined ? 'line-text' : `line-text line-${command.level}`}>
          {line === undefined ? ' ' : <Words text={line.text} command={command} />}
        </code>
      </>
    );
  },
  (before, after) =>
    before.line === after.line &&
    before.number === after.number &&
    before.hasTime === after.hasTime &&
    before.isFolded === after.isFolded,
);

function Words({ text, command }: { text: string; command: LineCommand | undefined }): ReactNode {
  const isSaid = command !== undefined && command.level !== 'group' && command.level !== 'endgroup';
  return (
    <>
      {isSaid && <strong>{[command.level, command.place].filter(Boolean).join(' ')}: </strong>}
      {piecesOf(command?.text ?? text).map(piece)}
    </>
  );
}

function piece({ text, styles, colour, background, link }: TextPiece, at: number): ReactNode {
  const className = styles.join(' ');
  const style =
    colour !== undefined || background !== undefined ? { color: colour, backgroundColor: background } : undefined;
  if (link !== undefined)
    return (
      <a key={at} className={className} style={style} href={link} target="_blank" rel="noopener noreferrer">
        {text}
      </a>
    );
  if (className === '' && style === undefined) return text;
  return (
    <span key={at} className={className} style={style}>
      {text}
    </span>
  );
}
