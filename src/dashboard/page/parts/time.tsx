import { useEffect, useState, type ReactNode } from 'react';
import { agoText, spanBetween, spanText } from '../../view/span.ts';
import { Text } from './text.tsx';

/** The time, moved on every so often; for a second while something runs, else rarely. */
export function useNow(everyMilliseconds: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMilliseconds);
    return () => clearInterval(timer);
  }, [everyMilliseconds]);
  return now;
}

/** How long ago, with the time itself on hover. */
export function Ago({ time, now }: { time: string; now: number }): ReactNode {
  return (
    <time dateTime={time} title={absolute(time)}>
      {agoText(time, now)}
    </time>
  );
}

/** A time itself; what is none stays what somebody wrote. */
export function At({ time }: { time: string }): ReactNode {
  if (Number.isNaN(Date.parse(time))) return <Text of={time} most={200} />;
  return <time dateTime={time}>{absolute(time)}</time>;
}

interface SpanProps {
  started: string | undefined;
  finished: string | undefined;
  now: number;
}

/** How long something took, or has taken by now, with its times on hover. */
export function Span({ started, finished, now }: SpanProps): ReactNode {
  return (
    <span className="number" title={spanTitle(started, finished)}>
      {spanText(spanBetween(started, finished, now))}
    </span>
  );
}

/** From when to when something lasted; undefined: it has not begun. */
export function spanTitle(started: string | undefined, finished: string | undefined): string | undefined {
  if (started === undefined) return undefined;
  return finished === undefined ? `since ${absolute(started)}` : `${absolute(started)} to ${absolute(finished)}`;
}

/** The same of times in milliseconds. */
export function periodTitle(from: number, to: number): string {
  const [started, finished] = [from, to].map((time) => absolute(new Date(time).toISOString()));
  return `${started} to ${finished}`;
}

export function absolute(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? time
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}
