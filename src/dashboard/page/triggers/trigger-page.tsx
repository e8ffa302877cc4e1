import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import type { KubeObject } from '../../../resource.ts';
import { listedKind } from '../../view/listed-kind.ts';
import { triggerKinds, triggerSections, type TriggerFact, type TriggerPart } from '../../view/trigger-kinds.ts';
import { noNamespace } from '../api/paths.ts';
import { objectHref, type ObjectName } from '../objects/address.ts';
import { ObjectPage, type ObjectTab } from '../objects/object-page.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { EventsTab } from './events-tab.tsx';

/** An object of Triggers: what an event goes through, and what events led to. */
export default function TriggerPage(): ReactNode {
  const { namespace, kind, name, tab } = useParams<{ namespace: string; kind: string; name: string; tab?: string }>();
  const listed = listedKind(triggerKinds, kind);
  if (listed === undefined)
    return (
      <main className="empty">
        <h1>Triggers have no such kind</h1>
        <p>
          <Link href="/triggers">EventListeners, Triggers and what they are made of</Link> are here.
        </p>
      </main>
    );
  const named: ObjectName = { kind, name, namespace: namespace === noNamespace ? undefined : namespace };
  return (
    <ObjectPage
      key={`${kind}/${namespace}/${name}`}
      base="/triggers"
      title="Triggers"
      kind={listed}
      name={named}
      tab={tab}
      tabs={tabsOf(named)}
    />
  );
}

function tabsOf(name: ObjectName): ObjectTab[] {
  const show = (object: KubeObject): ReactNode => <Sections name={name} object={object} />;
  return [
    { part: undefined, title: name.kind, show },
    ...(name.kind === 'EventListener'
      ? [
          {
            part: 'events',
            title: 'Recent events',
            show: (object: KubeObject) => <EventsTab name={name} listener={object} />,
          },
        ]
      : []),
  ];
}

function Sections({ name, object }: { name: ObjectName; object: KubeObject }): ReactNode {
  return (
    <TabBody label={name.kind}>
      {triggerSections(name.kind, object).map(({ title, parts, none }) => (
        <section key={title}>
          <h2>{title}</h2>
          {parts.length === 0 && <p className="muted">{none}</p>}
          <ul className="declared">
            {parts.map((part, at) => (
              <Part key={at} part={part} namespace={name.namespace} />
            ))}
          </ul>
        </section>
      ))}
    </TabBody>
  );
}

function Part({ part: { name, facts }, namespace }: { part: TriggerPart; namespace: string | undefined }): ReactNode {
  return (
    <li>
      <p className="declared-name">
        <Text of={name} />
      </p>
      {facts.length > 0 && (
        <dl className="values">
          {facts.map((fact, at) => (
            <div key={at}>
              <dt>{fact.label}</dt>
              <dd>
                <FactText fact={fact} namespace={namespace} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function FactText({ fact, namespace }: { fact: TriggerFact; namespace: string | undefined }): ReactNode {
  const { text, object } = fact;
  if (object === undefined) return <Text of={text} />;
  const isNamespaced = listedKind(triggerKinds, object.kind)?.resource.namespaced === true;
  return (
    <Link href={objectHref('/triggers', { ...object, namespace: isNamespaced ? namespace : undefined })}>
      <Text of={text} />
    </Link>
  );
}
