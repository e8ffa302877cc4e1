import { useEffect, useMemo, type ReactNode } from 'react';
import { Link, useSearch } from 'wouter';
import type { KubeObject } from '../../../resource.ts';
import { listedKind, objectsWith, titleOf, type ListedKind } from '../../view/listed-kind.ts';
import { listSource } from '../api/paths.ts';
import { useObjects } from '../api/use-objects.ts';
import { useProperties } from '../api/use-properties.ts';
import { useUses } from '../api/use-uses.ts';
import { AddressField } from '../parts/address-field.tsx';
import { Problem } from '../parts/problem.tsx';
import { Text } from '../parts/text.tsx';
import { listHref, listPlaceIn, type ListPlace } from './address.ts';
import { ObjectTable } from './object-table.tsx';
import '../style/runs.css';
import '../style/objects.css';

interface ObjectListProps {
  /** Of the address: `/definitions` */
  base: string;
  title: string;
  kinds: readonly ListedKind[];
}

/** Lists of kinds, one at a time. What is asked for is in the address. */
export function ObjectList({ base, title, kinds }: ObjectListProps): ReactNode {
  const place = listPlaceIn(useSearch());
  const kind = listedKind(kinds, place.kind) ?? kinds[0];
  useEffect(() => void (document.title = `${title} - Tektite`), [title]);
  if (kind === undefined) return null;
  return (
    <main className="runs">
      <h1 className="sr-only">{title}</h1>
      <search className="filters">
        <div className="filter-fields">
          <AddressField
            name="q"
            label="Search"
            hint="name, description"
            value={place.q ?? ''}
            hrefOf={(q) => listHref(base, { ...place, q })}
          />
          {kind.resource.namespaced && <NamespaceField base={base} place={place} />}
        </div>
        <nav className="chips" aria-label="By kind">
          {kinds.map((each) => (
            <Link
              key={each.resource.kind}
              href={listHref(base, { ...place, kind: each.resource.kind })}
              className={each === kind ? 'chip chosen' : 'chip'}
              aria-current={each === kind ? 'true' : undefined}
            >
              <Text of={titleOf(each)} most={63} />
            </Link>
          ))}
        </nav>
      </search>
      <Listed key={kind.resource.kind} base={base} kind={kind} place={place} />
    </main>
  );
}

function NamespaceField({ base, place }: { base: string; place: ListPlace }): ReactNode {
  const tenants = useProperties()?.tenantNamespaces ?? [];
  return (
    <AddressField
      name="ns"
      label="Namespace"
      // A dashboard of some namespaces begins with the first.
      hint={tenants[0] ?? 'all'}
      value={place.ns ?? ''}
      hrefOf={(ns) => listHref(base, { ...place, ns })}
      offers={tenants}
    />
  );
}

interface ListedProps {
  base: string;
  kind: ListedKind;
  place: ListPlace;
}

function Listed(props: ListedProps): ReactNode {
  const { kind, place } = props;
  const properties = useProperties();
  // A dashboard of some namespaces may not list all of them: it begins with the first.
  const ofPlace = place.ns ?? properties?.defaultNamespace ?? properties?.tenantNamespaces[0];
  if (properties === undefined) return <p className="empty">Loading...</p>;
  return <ListedIn {...props} namespace={kind.resource.namespaced ? ofPlace : undefined} />;
}

function ListedIn({ base, kind, place, namespace }: ListedProps & { namespace: string | undefined }): ReactNode {
  const objects = useObjects<KubeObject>(listSource(kind.resource, namespace));
  const { byName, isLoaded, problem } = objects;
  const uses = useUses(kind.hasRuns === true ? usesQuery(namespace) : undefined);
  const found = useMemo(() => objectsWith(byName.values(), kind, place.q ?? ''), [byName, kind, place.q]);
  const isEmpty = isLoaded && found.length === 0 && problem === undefined;
  return (
    <>
      {problem !== undefined && (
        <Problem title={`The ${titleOf(kind)} cannot be read`} text={refusalText(problem, kind, namespace)} />
      )}
      {!isLoaded && problem === undefined && <p className="empty">Loading...</p>}
      {isEmpty && <Empty kind={kind} isFiltered={byName.size > 0} />}
      {found.length > 0 && <ObjectTable base={base} kind={kind} objects={found} {...(uses && { uses })} />}
      <Foot count={found.length} kind={kind.resource.kind} namespace={namespace} isLive={objects.isLive} />
    </>
  );
}

function usesQuery(namespace: string | undefined): string {
  return namespace === undefined ? '' : new URLSearchParams({ ns: namespace }).toString();
}

function refusalText(problem: string, { resource }: ListedKind, namespace: string | undefined): string {
  return resource.namespaced && namespace === undefined
    ? `${problem}: name a namespace above whose objects you may list`
    : problem;
}

interface FootProps {
  count: number;
  kind: string;
  namespace: string | undefined;
  isLive: boolean;
}

function Foot({ count, kind, namespace, isLive }: FootProps): ReactNode {
  return (
    <p className="foot" role="status">
      {`${count.toLocaleString('en')} ${kind}${count === 1 ? '' : 's'}`}
      {namespace !== undefined && (
        <>
          {' '}
          in <Text of={namespace} />
        </>
      )}
      {isLive ? ', live' : ', not live: what is shown may be old'}
    </p>
  );
}

function Empty({ kind, isFiltered }: { kind: ListedKind; isFiltered: boolean }): ReactNode {
  return (
    <div className="empty">
      <h2>{isFiltered ? `No ${kind.resource.kind} is like that` : `There are no ${kind.resource.kind}s here`}</h2>
      {isFiltered ? (
        <p>Search for less to see more.</p>
      ) : (
        <p>
          The first comes with: <code>{kind.bringFirst}</code>
        </p>
      )}
    </div>
  );
}
