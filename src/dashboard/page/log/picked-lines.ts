import { useCallback, useEffect, useState } from 'react';

/** First and last line that the address points at, counted from 1. */
export interface PickedLines {
  first: number;
  last: number;
}

/** The lines that the address points at, and the way to choose others. */
export function usePickedLines(): [PickedLines | undefined, (line: number, isRange: boolean) => void] {
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
