import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { runStatuses, type RunStatus } from '../../contract.ts';
import type { RunList } from '../../view/run-list.ts';
import { AddressField } from '../parts/address-field.tsx';
import { hrefOf } from '../parts/query.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';

/** Parts of the address that say which runs are wanted: those of `GET /v1/runs`. */
export const filterNames = ['ns', 'status', 'pipeline', 'kind', 'q', 'label', 'by'] as const;
type FilterName = (typeof filterNames)[number];

const fields: readonly { name: FilterName; label: string; hint: string }[] = [
  { name: 'q', label: 'Search', hint: 'name, commit, branch, person' },
  { name: 'ns', label: 'Namespace', hint: 'all' },
  { name: 'pipeline', label: 'Pipeline', hint: 'any' },
  { name: 'label', label: 'Labels', hint: 'team=a,env!=prod' },
  { name: 'by', label: 'Started by', hint: 'person or trigger' },
];

export function Filters({ query, list }: { query: string; list?: RunList }): ReactNode {
  const asked = new URLSearchParams(query);
  const statuses = (asked.get('status') ?? '').split(',').filter((status) => status !== '');
  return (
    <search className="filters">
      <div className="filter-fields">
        {fields.map((field) => (
          <AddressField
            key={field.name}
            {...field}
            value={asked.get(field.name) ?? ''}
            hrefOf={(value) => hrefWith(query, field.name, value)}
            offers={offersOf(field.name, list)}
          />
        ))}
        {query !== '' && (
          <Link href="/runs" className="quiet-link clear">
            Clear
          </Link>
        )}
      </div>
      <nav className="chips" aria-label="By status">
        <Link
          href={hrefWith(query, 'status', '')}
          className={statuses.length === 0 ? 'chip chosen' : 'chip'}
          aria-current={statuses.length === 0 ? 'true' : undefined}
        >
          All
        </Link>
        {runStatuses.map((status) => (
          <StatusChip key={status} status={status} query={query} statuses={statuses} count={list?.counts[status]} />
        ))}
      </nav>
    </search>
  );
}

interface ChipProps {
  status: RunStatus;
  query: string;
  statuses: readonly string[];
  count: number | undefined;
}

function StatusChip({ status, query, statuses, count }: ChipProps): ReactNode {
  const isChosen = statuses.includes(status);
  const others = isChosen ? statuses.filter((each) => each !== status) : [...statuses, status];
  return (
    <Link
      href={hrefWith(query, 'status', others.join(','))}
      className={isChosen ? 'chip chosen' : 'chip'}
      aria-current={isChosen ? 'true' : undefined}
    >
      <StatusIcon status={status} />
      {wordOf(status)}
      {count !== undefined && <span className="count">{count.toLocaleString('en')}</span>}
    </Link>
  );
}

/** From what is in the list: nothing more has to be asked for. */
function offersOf(name: FilterName, list: RunList | undefined): string[] {
  const runs = list?.shown ?? [];
  const values = runs.map((run) => (name === 'ns' ? run.namespace : name === 'pipeline' ? run.definition : undefined));
  return [...new Set(values.filter((value) => value !== undefined))].sort().slice(0, 50);
}

function hrefWith(query: string, name: FilterName, value: string): string {
  return hrefOf('/runs', query, name, value);
}
