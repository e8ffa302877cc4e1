import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { pipelines, tasks } from '../../../api/resources.ts';
import type { KubeObject, Resource } from '../../../resource.ts';
import { userKinds, usersOf, type UsedKind, type UserKind } from '../../view/used-by.ts';
import { listSource } from '../api/paths.ts';
import { useObjects } from '../api/use-objects.ts';
import { objectHref } from '../objects/address.ts';
import { Problem } from '../parts/problem.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';

interface Used {
  kind: UsedKind;
  name: string;
  namespace: string;
}

const resources: Readonly<Record<UserKind, Resource>> = { Pipeline: pipelines, Task: tasks };

/** The definitions of its namespace that name this one. */
export function UsersTab({ used }: { used: Used }): ReactNode {
  return (
    <TabBody label="Used by">
      {userKinds[used.kind].map((kind) => (
        <Users key={kind} used={used} kind={kind} />
      ))}
      <p className="muted">
        What other namespaces and repositories name is not known here; nor are runs that name it themselves.
      </p>
    </TabBody>
  );
}

function Users({ used, kind }: { used: Used; kind: UserKind }): ReactNode {
  const { byName, isLoaded, problem } = useObjects<KubeObject>(listSource(resources[kind], used.namespace));
  const users = usersOf(used, kind, byName.values());
  return (
    <section>
      <h2>{kind}s</h2>
      {problem !== undefined && <Problem title={`The ${kind}s cannot be read`} text={problem} />}
      {users.length === 0 && problem === undefined && (
        <p className="muted">{isLoaded ? `No ${kind} of the namespace names it.` : 'Loading...'}</p>
      )}
      <ul className="declared">
        {users.map(({ name, places }) => (
          <li key={name}>
            <Link href={objectHref('/definitions', { kind, name, namespace: used.namespace })}>
              <Text of={name} most={253} />
            </Link>{' '}
            <span className="muted">
              in <Text of={places.join(', ')} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
