import type { ReactNode } from 'react';
import type { DeclaredRow, ParamRow, StepRow } from '../../view/definition.ts';
import { Text } from '../parts/text.tsx';

const LONGEST_SCRIPT = 20_000;

interface ListOfProps<Row> {
  title: string;
  rows: readonly Row[];
  /** Said when there are no rows. */
  none: string;
  children: (row: Row) => ReactNode;
}

/** A section with a row for each of what a definition declares. */
function ListOf<Row extends { name: string }>({ title, rows, none, children }: ListOfProps<Row>): ReactNode {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 && <p className="muted">{none}</p>}
      <ol className="declared">
        {rows.map((row, at) => (
          <li key={`${row.name} ${at}`}>{children(row)}</li>
        ))}
      </ol>
    </section>
  );
}

export function Params({ rows }: { rows: readonly ParamRow[] }): ReactNode {
  return (
    <ListOf title="Params" rows={rows} none="It takes no params.">
      {(row) => (
        <>
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
        </>
      )}
    </ListOf>
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

export function Declared(props: DeclaredProps): ReactNode {
  return (
    <ListOf {...props}>
      {({ name, description, marks }) => (
        <>
          <Name of={name} marks={marks} />
          <Description of={description} />
        </>
      )}
    </ListOf>
  );
}

export function Steps({ rows }: { rows: readonly StepRow[] }): ReactNode {
  return (
    <ListOf title="Steps" rows={rows} none="It has no steps.">
      {({ name, from, run }) => (
        <>
          <Name of={name} marks={[from]} />
          {run !== '' && (
            <pre>
              <Text of={run} most={LONGEST_SCRIPT} />
            </pre>
          )}
        </>
      )}
    </ListOf>
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
