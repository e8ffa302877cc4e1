import { useMemo } from 'react';
import type { KubeObject, Resource } from '../../../resource.ts';
import { extensionsOf, type Extensions } from '../../view/extension.ts';
import { listSource } from '../api/paths.ts';
import { useObjects } from '../api/use-objects.ts';
import { useProperties } from '../api/use-properties.ts';

const extensions: Resource = {
  group: 'dashboard.tekton.dev',
  version: 'v1alpha1',
  plural: 'extensions',
  kind: 'Extension',
  namespaced: true,
};

export interface ReadExtensions extends Extensions {
  isLoaded: boolean;
  problem?: string;
}

/**
 * The kinds that Extensions add: of all namespaces, or of those that the dashboard is for. Who may not list all of them
 * gets those beside the dashboard, where an operator puts them.
 */
export function useExtensions(): ReadExtensions {
  const properties = useProperties();
  const tenant = properties?.tenantNamespaces[0];
  const all = useObjects<KubeObject>(properties && listSource(extensions, tenant));
  const isRefused = all.problem !== undefined;
  const own = useObjects<KubeObject>(
    properties && isRefused ? listSource(extensions, properties.dashboardNamespace) : undefined,
  );
  const { byName, isLoaded, problem } = isRefused ? own : all;
  const found = useMemo(() => extensionsOf(byName.values()), [byName]);
  return { ...found, isLoaded, ...(problem === undefined ? {} : { problem }) };
}
