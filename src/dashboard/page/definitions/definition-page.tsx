import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { textOf } from '../../view/untyped.ts';
import { definitionKinds, listedKind, type ListedKind } from '../../view/listed-kind.ts';
import type { KubeObject } from '../../../resource.ts';
import { spanText } from '../../view/span.ts';
import { isUsedKind } from '../../view/used-by.ts';
import { successText } from '../../view/usage.ts';
import { noNamespace } from '../api/paths.ts';
import { useRights } from '../api/use-rights.ts';
import { keyOfUse, useUses } from '../api/use-uses.ts';
import { objectHref, type ObjectName } from '../objects/address.ts';
import { ObjectPage, type ObjectTab } from '../objects/object-page.tsx';
import { Text } from '../parts/text.tsx';
import { CustomRunBody } from './custom-run-body.tsx';
import { DefinitionBody } from './definition-body.tsx';
import { RunsTab } from './runs-tab.tsx';
import { StartTab } from './start-tab.tsx';
import { UsersTab } from './users-tab.tsx';
import { fieldsOf } from '../../../json-object.ts';

/** What a run would be made of, before any run; and what became of those that there were. */
export default function DefinitionPage(): ReactNode {
  const { namespace, kind, name, tab } = useParams<{ namespace: string; kind: string; name: string; tab?: string }>();
  const listed = listedKind(definitionKinds, kind);
  if (listed === undefined) return <NoSuchKind />;
  const named: ObjectName = { kind, name, namespace: namespace === noNamespace ? undefined : namespace };
  return <Definition key={`${kind}/${namespace}/${name}`} listed={listed} name={named} tab={tab} />;
}

function NoSuchKind(): ReactNode {
  return (
    <main className="empty">
      <h1>There is no such kind of definition</h1>
      <p>
        <Link href="/definitions">Pipelines, Tasks, StepActions and CustomRuns</Link> are here.
      </p>
    </main>
  );
}

interface DefinitionProps {
  listed: ListedKind;
  name: ObjectName;
  tab: string | undefined;
}

function Definition({ listed, name, tab }: DefinitionProps): ReactNode {
  const hasRuns = listed.hasRuns === true;
  const runs = name.kind === 'Task' ? 'taskruns' : 'pipelineruns';
  const rights = useRights(['create'], 'tekton.dev', runs, name.namespace ?? '');
  const mayStart = hasRuns && rights.has('create');
  return (
    <ObjectPage
      base="/definitions"
      title="Definitions"
      kind={listed}
      name={name}
      tab={tab}
      tabs={tabsOf(name, { hasRuns, mayStart })}
      actions={() =>
        mayStart &&
        tab !== 'start' && (
          <div className="actions">
            <Link href={objectHref('/definitions', name, 'start')} className="tool">
              Start
            </Link>
          </div>
        )
      }
      facts={(object) => <Facts name={name} object={object} hasRuns={hasRuns} />}
    />
  );
}

function tabsOf(name: ObjectName, { hasRuns, mayStart }: { hasRuns: boolean; mayStart: boolean }): ObjectTab[] {
  const show = (object: KubeObject): ReactNode =>
    name.kind === 'CustomRun' ? <CustomRunBody object={object} /> : <DefinitionBody name={name} object={object} />;
  const startTab: ObjectTab = {
    part: 'start',
    title: 'Start',
    isHidden: true,
    show: (object) => <StartTab name={name} object={object} mayStart={mayStart} />,
  };
  return [
    { part: undefined, title: name.kind === 'CustomRun' ? 'Status' : 'Definition', show },
    ...usersTab(name),
    ...(hasRuns ? [{ part: 'runs', title: 'Runs', show: () => <RunsTab name={name} /> }, startTab] : []),
  ];
}

function usersTab({ kind, name, namespace = '' }: ObjectName): ObjectTab[] {
  if (!isUsedKind(kind)) return [];
  return [{ part: 'users', title: 'Used by', show: () => <UsersTab used={{ kind, name, namespace }} /> }];
}

function Facts({ name, object, hasRuns }: { name: ObjectName; object: KubeObject; hasRuns: boolean }): ReactNode {
  const { kind, namespace = '' } = name;
  const query = new URLSearchParams({ ns: namespace, pipeline: name.name }).toString();
  const use = useUses(hasRuns ? query : undefined)?.byKey.get(keyOfUse(kind, namespace, name.name));
  const { displayName, description } = fieldsOf((object as { spec?: unknown }).spec);
  const success = use === undefined ? '' : successText(use.counts);
  const usual = use?.last.usualMilliseconds;
  return (
    <>
      {[displayName, description].map(textOf).map(
        (text, at) =>
          text !== '' && (
            <li key={at}>
              <Text of={text} />
            </li>
          ),
      )}
      {success !== '' && <li>{success}</li>}
      {usual !== undefined && <li>usually {spanText(usual)}</li>}
    </>
  );
}
