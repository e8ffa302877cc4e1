import { lazy, Suspense, useEffect, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { KubeObject } from '../../../resource.ts';
import type { ListedKind } from '../../view/listed-kind.ts';
import { objectsPath } from '../api/paths.ts';
import { useObjects } from '../api/use-objects.ts';
import { Problem } from '../parts/problem.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { listHref, objectHref, type ObjectName } from './address.ts';
import '../style/run.css';
import '../style/objects.css';

const YamlTab = lazy(() => import('../run/yaml-tab.tsx'));

/** A part of an object's page. */
export interface ObjectTab {
  /** Of the address; undefined: the first. */
  part: string | undefined;
  title: string;
  /** Found by its address alone. */
  isHidden?: boolean;
  show: (object: KubeObject) => ReactNode;
}

interface ObjectPageProps {
  base: string;
  title: string;
  kind: ListedKind;
  name: ObjectName;
  tab: string | undefined;
  tabs: readonly ObjectTab[];
  /** Beside the name: what one may do. */
  actions?: (object: KubeObject) => ReactNode;
  /** Below the name: items of a list. */
  facts?: (object: KubeObject) => ReactNode;
}

const yamlTab: ObjectTab = { part: 'yaml', title: 'YAML', show: (object) => <YamlTab run={object} /> };

/** An object of a kind, as it is now. */
export function ObjectPage(props: ObjectPageProps): ReactNode {
  const { base, kind, name } = props;
  const { byName, isLoaded, isLive, problem } = useObjects<KubeObject>({
    path: objectsPath(kind.resource, name.namespace),
    fieldSelector: `metadata.name=${name.name}`,
  });
  const object = byName.get(name.name);
  useEffect(() => void (document.title = `${name.name} - Tektite`), [name.name]);
  if (object === undefined) {
    if (problem !== undefined)
      return (
        <main className="empty">
          <Problem title={`This ${kind.resource.kind} cannot be read`} text={problem} />
        </main>
      );
    if (!isLoaded) return <p className="empty">Loading...</p>;
    return (
      <main className="empty">
        <h1>There is no such {kind.resource.kind}</h1>
        <p>
          There is no <Text of={name.name} most={253} /> {name.namespace === undefined ? '' : `in ${name.namespace}`}:
          it shows here as soon as it is there.{' '}
          <Link href={listHref(base, { kind: kind.resource.kind })}>All {kind.resource.kind}s</Link>
        </p>
      </main>
    );
  }
  return <Shown {...props} object={object} isLive={isLive} />;
}

function Shown({ object, isLive, ...props }: ObjectPageProps & { object: KubeObject; isLive: boolean }): ReactNode {
  const { base, name, tab, tabs } = props;
  // Of a kind of which nothing more is known, the YAML is the page.
  const all = tabs.length === 0 ? [{ ...yamlTab, part: undefined }] : [...tabs, yamlTab];
  const chosen = all.find(({ part }) => part === tab);
  return (
    <main className="run">
      <Head {...props} object={object} isLive={isLive} />
      <nav className="tabs" aria-label={`Of this ${name.kind}`}>
        {all
          .filter(({ isHidden }) => isHidden !== true)
          .map(({ part, title }) => (
            <Link
              key={title}
              href={objectHref(base, name, part)}
              className="tab"
              aria-current={part === tab ? 'page' : undefined}
            >
              {title}
            </Link>
          ))}
      </nav>
      <Suspense fallback={<p className="empty">Loading...</p>}>
        {chosen?.show(object) ?? (
          <p className="empty">
            There is no such part. <Link href={objectHref(base, name)}>The beginning</Link> is here.
          </p>
        )}
      </Suspense>
    </main>
  );
}

type HeadProps = Omit<ObjectPageProps, 'tab' | 'tabs'> & { object: KubeObject; isLive: boolean };

function Head({ base, title, kind, name, object, isLive, actions, facts }: HeadProps): ReactNode {
  const now = useNow(20_000);
  const { creationTimestamp, deletionTimestamp } = object.metadata;
  const { namespace } = name;
  return (
    <header className="run-header">
      <p className="crumbs">
        <Link href={listHref(base, { kind: name.kind })}>
          {title}: {kind.resource.kind}s
        </Link>
        {namespace !== undefined && (
          <>
            {' / '}
            <Link href={listHref(base, { kind: name.kind, ns: namespace })}>
              <Text of={namespace} most={253} />
            </Link>
          </>
        )}
      </p>
      <div className="run-title">
        <h1>
          <Text of={name.name} most={253} />
        </h1>
        {actions?.(object)}
      </div>
      <ul className="facts muted">
        {facts?.(object)}
        <li>
          created <Ago time={creationTimestamp ?? ''} now={now} />
        </li>
        {deletionTimestamp !== undefined && <li className="bad">being deleted</li>}
        {!isLive && <li>not live: what is shown may be old</li>}
      </ul>
    </header>
  );
}
