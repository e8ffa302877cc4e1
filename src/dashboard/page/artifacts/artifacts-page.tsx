import { useEffect, useState, type ReactNode } from 'react';
import { Link, useSearch } from 'wouter';
import type { ArtifactPage, Signed } from '../../contract.ts';
import { useAnswer } from '../api/use-answer.ts';
import { useProperties } from '../api/use-properties.ts';
import { AddressField } from '../parts/address-field.tsx';
import { Foot, Missing } from '../parts/listing.tsx';
import { Problem } from '../parts/problem.tsx';
import { hrefOf, queryIn, useDefaultNamespace } from '../parts/query.ts';
import { ImageTable } from './image-table.tsx';
import '../style/runs.css';
import '../style/objects.css';
import '../style/fleet.css';

const base = '/artifacts';
const fields = [
  { name: 'q', label: 'Search', hint: 'image, digest, run, pipeline' },
  { name: 'ns', label: 'Namespace', hint: 'all' },
] as const;
const filterNames = [...fields.map(({ name }) => name), 'signed'];
const chips: readonly { mark: Signed; word: string }[] = [
  { mark: 'yes', word: 'signed' },
  { mark: 'failed', word: 'signing failed' },
  { mark: 'no', word: 'not signed' },
];
const PAGE = 100;
const MOST = 500;
const GATHER_MS = 3_000;

/** Images and the runs that made them, newest first. What is asked for is in the address. */
export default function ArtifactsPage(): ReactNode {
  const search = useSearch();
  const query = queryIn(search, filterNames);
  useDefaultNamespace(base, search);
  useEffect(() => void (document.title = 'Artifacts - Tektite'), []);
  const [limit, setLimit] = useState(PAGE);
  const asked = new URLSearchParams(query);
  const ns = asked.get('ns');
  asked.set('limit', limit.toString());
  const { value, problem, isLive } = useAnswer<ArtifactPage>(`v1/artifacts?${asked}`, {
    changes: `v1/artifacts/changes?${new URLSearchParams(ns === null ? {} : { ns })}`,
    gatherMs: GATHER_MS,
  });
  return (
    <main className="runs">
      <h1 className="sr-only">Artifacts</h1>
      <Filters query={query} {...(value === undefined ? {} : { counts: value.counts })} />
      {problem !== undefined && <Problem title="The images cannot be read" text={problem} />}
      {value === undefined && problem === undefined && <p className="empty">Loading...</p>}
      {value !== undefined && (
        <Listed
          page={value}
          isFiltered={query !== ''}
          isLive={isLive}
          {...(limit < MOST ? { onMore: () => setLimit(Math.min(limit + PAGE, MOST)) } : {})}
        />
      )}
    </main>
  );
}

interface ListedProps {
  page: ArtifactPage;
  isFiltered: boolean;
  isLive: boolean;
  /** Missing: a page has no more. */
  onMore?: () => void;
}

function Listed({ page: { items, total, missing }, isFiltered, isLive, onMore }: ListedProps): ReactNode {
  const left = total - items.length;
  return (
    <>
      {items.length === 0 ? (
        <Empty isFiltered={isFiltered} />
      ) : (
        <ImageTable images={items}>
          {left > 0 && (
            <p className="muted more">
              {onMore === undefined ? (
                `${left.toLocaleString('en')} more: search for some of the name to see them.`
              ) : (
                <button type="button" className="tool" onClick={onMore}>
                  Show more of {left.toLocaleString('en')}
                </button>
              )}
            </p>
          )}
        </ImageTable>
      )}
      <Missing rights={missing} />
      <Foot text={`${total.toLocaleString('en')} ${total === 1 ? 'image' : 'images'}`} isLive={isLive} />
    </>
  );
}

function Filters({ query, counts }: { query: string; counts?: ArtifactPage['counts'] }): ReactNode {
  const asked = new URLSearchParams(query);
  const tenants = useProperties()?.tenantNamespaces ?? [];
  const marks = (asked.get('signed') ?? '').split(',').filter((mark) => mark !== '');
  const chip = (isChosen: boolean) => (isChosen ? 'chip chosen' : 'chip');
  return (
    <search className="filters">
      <div className="filter-fields">
        {fields.map((field) => (
          <AddressField
            key={field.name}
            {...field}
            value={asked.get(field.name) ?? ''}
            hrefOf={(value) => hrefOf(base, query, field.name, value)}
            {...(field.name === 'ns' ? { offers: tenants } : {})}
          />
        ))}
        {query !== '' && (
          <Link href={base} className="quiet-link clear">
            Clear
          </Link>
        )}
      </div>
      <nav className="chips" aria-label="By signature">
        <Link
          href={hrefOf(base, query, 'signed', '')}
          className={chip(marks.length === 0)}
          aria-current={marks.length === 0 ? 'true' : undefined}
        >
          All
        </Link>
        {chips.map(({ mark, word }) => {
          const isChosen = marks.includes(mark);
          const others = isChosen ? marks.filter((each) => each !== mark) : [...marks, mark];
          return (
            <Link
              key={mark}
              href={hrefOf(base, query, 'signed', others.join(','))}
              className={chip(isChosen)}
              aria-current={isChosen ? 'true' : undefined}
            >
              {word}
              {counts !== undefined && <span className="count">{counts[mark].toLocaleString('en')}</span>}
            </Link>
          );
        })}
      </nav>
    </search>
  );
}

function Empty({ isFiltered }: { isFiltered: boolean }): ReactNode {
  return (
    <div className="empty">
      <h2>{isFiltered ? 'No image is like that' : 'No run that you may see has made an image'}</h2>
      {isFiltered ? (
        <p>Take a filter away to see more.</p>
      ) : (
        <p>
          An image shows here when a Task writes its name and digest as results <code>IMAGE_URL</code> and{' '}
          <code>IMAGE_DIGEST</code>, as Chains asks for them: <code>tektite hub install task buildah</code> brings one.
        </p>
      )}
    </div>
  );
}
