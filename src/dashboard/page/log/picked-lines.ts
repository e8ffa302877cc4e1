import { useCallback, useEffect, useRef, useState } from 'react';

/** First and last line that the address points at, counted from 1. */
export interface PickedLines {
  first: number;
  last: number;
}

/**
 * The lines that the address points at, and the way to choose others.
 * @param href what the address becomes then, but for the lines: one that leads to this log whatever the run does next
 */
export function usePickedLines(href: string): [PickedLines | undefined, (line: number, isRange: boolean) => void] {
  const [picked, setPicked] = useState(() => linesIn(location.hash));
  useEffect(() => {
    const read = () => setPicked(linesIn(location.hash));
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  // Reads the address, which is never older than what the lines were drawn with.
  const latest = useRef(href);
  useEffect(() => void (latest.current = href));
  const pick = useCallback((line: number, isRange: boolean) => {
    const from = (isRange ? linesIn(location.hash)?.first : undefined) ?? line;
    const [first, last] = [Math.min(from, line), Math.max(from, line)];
    setPicked({ first, last });
    const hash = `#L${first}${last > first ? `-L${last}` : ''}`;
    history.replaceState(history.state, '', `${latest.current}${hash}`);
  }, []);
  return [picked, pick];
}

function linesIn(hash: string): PickedLines | undefined {
  const [, first, last] = /^#L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash) ?? [];
  if (first === undefined || Number(first) < 1) return undefined;
  return { first: Number(first), last: Math.max(Number(first), Number(last ?? first)) };
}
