import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { KubeObject } from '../../../resource.ts';
import type { DefinitionUse } from '../../contract.ts';
import type { ListedKind } from '../../view/listed-kind.ts';
import { statusOf, type HasStatus } from '../../view/status.ts';
import { successText } from '../../view/usage.ts';
import { keyOfUse, type Uses } from '../api/use-uses.ts';
import { Status } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';
import { objectHref } from './address.ts';

/** More rows than these nobody reads: one searches. */
const MOST_ROWS = 500;
const LONGEST_CELL = 200;

interface ObjectTableProps {
  base: string;
  kind: ListedKind;
  objects: readonly KubeObject[];
  uses?: Uses;
}

export function ObjectTable({ base, kind, objects, uses }: ObjectTableProps): ReactNode {
  const now = useNow(20_000);
  const { resource, columns, hasStatus, hasRuns, hasNoPages } = kind;
  return (
    <div className="object-list" role="region" aria-label={`${resource.kind}s`} tabIndex={0}>
      <table className="objects">
        <thead>
          <tr>
            {hasStatus === true && <th scope="col">Status</th>}
            <th scope="col">{resource.kind}</th>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
            {hasRuns === true && <th scope="col">Last run</th>}
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {objects.slice(0, MOST_ROWS).map((object) => {
            const { uid, name = '', namespace, creationTimestamp = '' } = object.metadata;
            return (
              <tr key={uid}>
                {hasStatus === true && (
                  <td>
                    <Status status={statusOf(object as HasStatus)} />
                  </td>
                )}
                <th scope="row">
                  {hasNoPages === true ? (
                    <Text of={name} most={253} />
                  ) : (
                    <Link href={objectHref(base, { kind: resource.kind, namespace, name })}>
                      <Text of={name} most={253} />
                    </Link>
                  )}
                  {namespace !== undefined && (
                    <span className="muted">
                      <Text of={namespace} most={253} />
                    </span>
                  )}
                </th>
                {kind.cells(object).map((cell, at) => (
                  <td key={columns[at]}>
                    <Text of={cell} most={LONGEST_CELL} />
                  </td>
                ))}
                {hasRuns === true && (
                  <td>
                    <LastRun use={uses?.byKey.get(keyOfUse(resource.kind, namespace ?? '', name))} now={now} />
                  </td>
                )}
                <td className="muted">
                  <Ago time={creationTimestamp} now={now} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {objects.length > MOST_ROWS && (
        <p className="muted more">
          {(objects.length - MOST_ROWS).toLocaleString('en')} more: search for some of the name to see them.
        </p>
      )}
    </div>
  );
}

function LastRun({ use, now }: { use: DefinitionUse | undefined; now: number }): ReactNode {
  if (use === undefined) return <span className="muted">none</span>;
  const { last, counts } = use;
  return (
    <>
      <Link href={runHref(last)} className="last-run">
        <Status status={last.status} /> <Ago time={last.started ?? last.created} now={now} />
      </Link>
      <span className="muted">{successText(counts)}</span>
    </>
  );
}
