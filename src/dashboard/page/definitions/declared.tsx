import type { ReactNode } from 'react';
import type { DeclaredRow, ParamRow, StepRow } from '../../view/definition.ts';
import { Text } from '../parts/text.tsx';

const LONGEST_SCRIPT = 20_000;

export function Params({ rows }: { rows: readonly ParamRow[] }): ReactNode {
  return (
    <section>
      <h2>Params</h2>
      {rows.length === 0 && <p className="muted">It takes no params.</p>}
      <ul className="declared">
        {rows.map((row, at) => (
          <li key={`${row.name} ${at}`}>
            <Name of={row.name} marks={marksOf(row)} />
            <Description of={row.description} />
            <p className="muted">
              {row.default === undefined ? (
                'has to be given'
              ) : (
                <>
                  by default <code>{row.default === '' ? 'an empty text' : <Text of={row.default} />}</code>
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function marksOf({ type, allowed, keys }: ParamRow): string[] {
  return [
    type,
    ...(allowed.length > 0 ? [`one of: ${allowed.join(', ')}`] : []),
    ...(keys.length > 0 ? [`keys: ${keys.join(', ')}`] : []),
  ];
}

interface DeclaredProps {
  title: string;
  rows: readonly DeclaredRow[];
  none: string;
}

export function Declared({ title, rows, none }: DeclaredProps): ReactNode {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 && <p className="muted">{none}</p>}
      <ul className="declared">
        {rows.map(({ name, description, marks }, at) => (
          <li key={`${name} ${at}`}>
            <Name of={name} marks={marks} />
            <Description of={description} />
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Steps({ rows }: { rows: readonly StepRow[] }): ReactNode {
  return (
    <section>
      <h2>Steps</h2>
      {rows.length === 0 && <p className="muted">It has no steps.</p>}
      <ol className="declared">
        {rows.map(({ name, from, run }, at) => (
          <li key={`${name} ${at}`}>
            <Name of={name} marks={[from]} />
            {run !== '' && (
              <pre>
                <Text of={run} most={LONGEST_SCRIPT} />
              </pre>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Name({ of, marks }: { of: string; marks: readonly string[] }): ReactNode {
  return (
    <p>
      <span className="declared-name">
        <Text of={of} most={253} />
      </span>
      {marks.map((mark, at) => (
        <span className="badge" key={at}>
          <Text of={mark} most={500} />
        </span>
      ))}
    </p>
  );
}

function Description({ of }: { of: string }): ReactNode {
  return (
    of !== '' && (
      <p>
        <Text of={of} />
      </p>
    )
  );
}
