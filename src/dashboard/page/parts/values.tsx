import type { ReactNode } from 'react';
import { Text } from './text.tsx';

interface Named {
  name: string;
  value: unknown;
}

const LONGEST = 4_000;

/** Names with values that others wrote. */
export function Values({ title, values, none }: { title: string; values: readonly Named[]; none: string }): ReactNode {
  return (
    <section>
      <h2>{title}</h2>
      {values.length === 0 ? (
        <p className="muted">{none}</p>
      ) : (
        <dl className="values">
          {values.map(({ name, value }, at) => (
            <div key={`${name} ${at}`}>
              <dt>
                <Text of={name} most={253} />
              </dt>
              <dd>
                <Text of={typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)} most={LONGEST} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
