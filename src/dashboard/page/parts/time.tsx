import { useEffect, useState, type ReactNode } from 'react';
import { agoText, spanBetween, spanText } from '../../view/span.ts';

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

/** How long something took, or has taken by now. */
export function Span({ started, finished, now }: { started?: string; finished?: string; now: number }): ReactNode {
  return <span className="number">{spanText(spanBetween(started, finished, now))}</span>;
}

export function absolute(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? time
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}
