import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { fieldsOf, textOf } from '../../view/untyped.ts';
import { definitionKinds, listedKind } from '../../view/listed-kind.ts';
import type { KubeObject } from '../../../resource.ts';
import { spanText } from '../../view/span.ts';
import { successText } from '../../view/usage.ts';
import { noNamespace } from '../api/paths.ts';
import { keyOfUse, useUses } from '../api/use-uses.ts';
import type { ObjectName } from '../objects/address.ts';
import { ObjectPage, type ObjectTab } from '../objects/object-page.tsx';
import { Text } from '../parts/text.tsx';
import { CustomRunBody } from './custom-run-body.tsx';
import { DefinitionBody } from './definition-body.tsx';
import { RunsTab } from './runs-tab.tsx';

/** What a run would be made of, before any run; and what became of those that there were. */
export default function DefinitionPage(): ReactNode {
  const { namespace, kind, name, tab } = useParams<{ namespace: string; kind: string; name: string; tab?: string }>();
  const listed = listedKind(definitionKinds, kind);
  if (listed === undefined)
    return (
      <main className="empty">
        <h1>There is no such kind of definition</h1>
        <p>
          <Link href="/definitions">Pipelines, Tasks, StepActions and CustomRuns</Link> are here.
        </p>
      </main>
    );
  const named: ObjectName = { kind, name, namespace: namespace === noNamespace ? undefined : namespace };
  return (
    <ObjectPage
      key={`${kind}/${namespace}/${name}`}
      base="/definitions"
      title="Definitions"
      kind={listed}
      name={named}
      tab={tab}
      tabs={tabsOf(named, listed.hasRuns === true)}
      facts={(object) => <Facts name={named} object={object} hasRuns={listed.hasRuns === true} />}
    />
  );
}

function tabsOf(name: ObjectName, hasRuns: boolean): ObjectTab[] {
  const show = (object: KubeObject): ReactNode =>
    name.kind === 'CustomRun' ? <CustomRunBody object={object} /> : <DefinitionBody name={name} object={object} />;
  return [
    { part: undefined, title: name.kind === 'CustomRun' ? 'Status' : 'Definition', show },
    ...(hasRuns ? [{ part: 'runs', title: 'Runs', show: () => <RunsTab name={name} /> }] : []),
  ];
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
