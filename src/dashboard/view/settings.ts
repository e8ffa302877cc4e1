import type { KubeObject } from '../../resource.ts';
import type { Properties } from '../contract.ts';
import { textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** The ConfigMaps that one part of the suite is set with. */
export interface SettingsPart {
  title: string;
  namespace: string;
  names: readonly string[];
}

/** A ConfigMap as the page shows it. */
export interface SettingsMap {
  name: string;
  /** Keys that are set, by name: the others have the defaults that `_example` tells. */
  values: readonly { name: string; value: string }[];
}

type Places = Pick<Properties, 'chainsNamespace' | 'pipelinesNamespace' | 'resolversNamespace' | 'triggersNamespace'>;

/** Which ConfigMaps the parts of the suite have, and where. */
export function settingsParts(places: Places): SettingsPart[] {
  const { pipelinesNamespace, chainsNamespace, resolversNamespace, triggersNamespace = pipelinesNamespace } = places;
  return [
    {
      title: 'Resolvers',
      namespace: resolversNamespace,
      names: [
        'resolvers-feature-flags',
        'resolver-cache-config',
        'bundleresolver-config',
        'cluster-resolver-config',
        'git-resolver-config',
        'http-resolver-config',
        'hubresolver-config',
      ],
    },
    { title: 'Chains', namespace: chainsNamespace, names: ['chains-config'] },
    {
      title: 'Pipelines',
      namespace: pipelinesNamespace,
      names: [
        'feature-flags',
        'config-defaults',
        'config-concurrency',
        'config-events',
        'config-tracing',
        'config-spire',
        'config-pruner',
        'tekton-pruner-default-spec',
      ],
    },
    { title: 'Triggers', namespace: triggersNamespace, names: ['feature-flags-triggers', 'config-defaults-triggers'] },
  ];
}

/** Keys whose values let somebody in. Those that only name a Secret, or where it is, may be read. */
const letsIn = /(?:token|password|passwd|credentials?|private[-_.]?key|secret)$/i;
/** A name and password in an address. */
const userInfo = /:\/\/[^/\s@]+@/g;

/** What the ConfigMaps of a part set, in its order; those that are not there are left out. */
export function settingsOf(configMaps: Iterable<KubeObject>, names: readonly string[]): SettingsMap[] {
  const byName = new Map([...configMaps].map((object) => [object.metadata.name ?? '', object]));
  return names.flatMap((name) => {
    const object = byName.get(name);
    return object === undefined ? [] : [{ name, values: valuesOf(object) }];
  });
}

function valuesOf(object: KubeObject): SettingsMap['values'] {
  return Object.entries(fieldsOf((object as { data?: unknown }).data))
    .filter(([name]) => name !== '_example')
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => ({
      name,
      value: letsIn.test(name) ? 'set, and not shown here' : textOf(value).replaceAll(userInfo, '://...@'),
    }));
}
