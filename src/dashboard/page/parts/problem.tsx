import type { ReactNode } from 'react';
import { Text } from './text.tsx';

/** What went wrong, by whom and what to do: said where one looks for what is missing. */
export function Problem({ title, text }: { title: string; text: string }): ReactNode {
  return (
    <div className="problem" role="alert">
      <strong>{title}</strong>
      <p>
        <Text of={text} />
      </p>
    </div>
  );
}
