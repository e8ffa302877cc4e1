import { useEffect, type ReactNode } from 'react';
import type { KubeObject } from '../../../resource.ts';
import { settingsOf, settingsParts, type SettingsPart } from '../../view/settings.ts';
import { pathOf } from '../api/request.ts';
import { useObjects } from '../api/use-objects.ts';
import { useProperties } from '../api/use-properties.ts';
import { Problem } from '../parts/problem.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { Values } from '../parts/values.tsx';
import '../style/run.css';

/** What resolvers, Chains and the rest are set with, as far as whoever looks may read ConfigMaps. */
export default function SettingsPage(): ReactNode {
  const properties = useProperties();
  useEffect(() => void (document.title = 'Settings - Tektite'), []);
  if (properties === undefined) return <p className="empty">Loading...</p>;
  return (
    <main className="run">
      <header className="run-header">
        <div className="run-title">
          <h1>Settings</h1>
        </div>
      </header>
      <TabBody label="Settings">
        {settingsParts(properties).map((part) => (
          <Part key={part.title} part={part} />
        ))}
      </TabBody>
    </main>
  );
}

function Part({ part: { title, namespace, names } }: { part: SettingsPart }): ReactNode {
  const { byName, isLoaded, problem } = useObjects<KubeObject>({
    path: pathOf('api/v1', 'namespaces', namespace, 'configmaps'),
  });
  const maps = settingsOf(byName.values(), names);
  return (
    <section aria-label={title}>
      <h2>
        {title}{' '}
        <span className="muted">
          in <Text of={namespace} most={253} />
        </span>
      </h2>
      {problem !== undefined && (
        <Problem
          title={`The settings of ${title} cannot be read`}
          text={`${problem}: who is to see them needs get, list and watch of ConfigMaps in ${namespace}`}
        />
      )}
      {isLoaded && problem === undefined && maps.length === 0 && <p className="muted">It has no ConfigMaps here.</p>}
      {maps.map(({ name, values }) => (
        <Values key={name} title={name} values={values} none="Everything is as it is by default." />
      ))}
    </section>
  );
}
