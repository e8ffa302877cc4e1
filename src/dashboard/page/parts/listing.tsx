import type { ReactNode } from 'react';
import { Text } from './text.tsx';

/** Rights that would show more: what is there is shown all the same. */
export function Missing({ rights }: { rights: readonly string[] }): ReactNode {
  if (rights.length === 0) return null;
  return (
    <p className="missing muted" role="note">
      What you may not see is left out. More shows with the right to{' '}
      {rights.map((right, at) => (
        <span key={right}>
          {at > 0 && ', '}
          <code>
            <Text of={right} most={400} />
          </code>
        </span>
      ))}
      .
    </p>
  );
}

/** The last line of a list. */
export function Foot({ text, isLive }: { text: string; isLive: boolean }): ReactNode {
  return (
    <p className="foot" role="status">
      {text}
      {isLive ? ', live' : ', not live: what is shown may be old'}
    </p>
  );
}
