import type { ReactNode } from 'react';
import { ObjectList } from '../objects/object-list.tsx';
import { Problem } from '../parts/problem.tsx';
import { Text } from '../parts/text.tsx';
import { useExtensions } from './use-extensions.ts';
import '../style/runs.css';

/** Objects of the kinds that Extensions name. */
export default function ExtensionsPage(): ReactNode {
  const { kinds, problems, isLoaded, problem } = useExtensions();
  if (problem !== undefined)
    return (
      <main className="empty">
        <Problem title="The Extensions cannot be read" text={problem} />
      </main>
    );
  if (!isLoaded) return <p className="empty">Loading...</p>;
  return (
    <>
      {problems.map((text) => (
        <p key={text} className="log-note bad" role="alert">
          <Text of={`An Extension is left out. ${text}`} />
        </p>
      ))}
      {kinds.length > 0 && <ObjectList base="/extensions" title="Extensions" kinds={kinds} />}
      {kinds.length === 0 && (
        <main className="empty">
          <h1>There are no Extensions</h1>
          <p>
            An Extension lists any kind of the cluster here. The first comes with:{' '}
            <code>kubectl apply -f extension.yaml</code>, of kind Extension (dashboard.tekton.dev/v1alpha1) with
            apiVersion and name (the plural) of the kind in its spec.
          </p>
        </main>
      )}
    </>
  );
}
