import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { listedKind, titleOf } from '../../view/listed-kind.ts';
import { noNamespace } from '../api/paths.ts';
import { ObjectPage } from '../objects/object-page.tsx';
import { Problem } from '../parts/problem.tsx';
import { useExtensions } from './use-extensions.ts';

/** The YAML of an object of a kind that an Extension names. */
export default function ExtensionPage(): ReactNode {
  const { namespace, kind, name, tab } = useParams<{ namespace: string; kind: string; name: string; tab?: string }>();
  const { kinds, isLoaded, problem } = useExtensions();
  const listed = listedKind(kinds, kind);
  if (listed !== undefined)
    return (
      <ObjectPage
        key={`${kind}/${namespace}/${name}`}
        base="/extensions"
        title={titleOf(listed)}
        kind={listed}
        name={{ kind, name, namespace: namespace === noNamespace ? undefined : namespace }}
        tab={tab}
        tabs={[]}
      />
    );
  if (!isLoaded && problem === undefined) return <p className="empty">Loading...</p>;
  return (
    <main className="empty">
      {problem === undefined ? (
        <h1>No Extension lists this kind</h1>
      ) : (
        <Problem title="The Extensions cannot be read" text={problem} />
      )}
      <p>
        <Link href="/extensions">What Extensions list</Link> is here.
      </p>
    </main>
  );
}
