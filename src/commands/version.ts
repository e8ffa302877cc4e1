import { configMaps } from '../kube/resources.ts';
import type { Cluster } from './cluster.ts';
import { command } from './command.ts';
import type { Command } from './command.ts';

/** Where components leave their version: ConfigMap by component, in the first of these namespaces that has it. */
const NAMESPACES = ['tekton-pipelines', 'openshift-pipelines', 'tekton-chains', 'tekton-operator', 'openshift-operators'];
const COMPONENTS: Readonly<Record<string, { title: string; configMap: string }>> = {
  pipeline: { title: 'Pipeline', configMap: 'pipelines-info' },
  triggers: { title: 'Triggers', configMap: 'triggers-info' },
  chains: { title: 'Chains', configMap: 'chains-info' },
  dashboard: { title: 'Dashboard', configMap: 'dashboard-info' },
  operator: { title: 'Operator', configMap: 'tekton-operator-info' },
  hub: { title: 'Hub', configMap: 'hub-info' },
};

/** `version`: the client's, and those of the components that can be found. Without a cluster the client's alone. */
export const versionCommand: Command = command({
  names: ['version'],
  summary: 'Prints version information',
  usage: '',
  examples: '',
  arguments: { least: 0, most: 0 },
  needsCluster: false,
  flags: {},
  async run({ environment, terminal, signal }, flags) {
    const { namespace, kubeconfig, context } = flags as Record<string, string>;
    terminal.out(`Client version: ${environment.version}\n`);
    const connection = await environment.connect({ kubeconfig: kubeconfig ?? '', context: context ?? '' }).catch(() => undefined);
    if (!connection) return 0;
    try {
      const namespaces = namespace ? [namespace] : NAMESPACES;
      const versions = await Promise.all(Object.values(COMPONENTS).map(({ configMap }) => versionIn(connection.cluster, namespaces, configMap, signal)));
      signal.throwIfAborted();
      for (const [index, { title }] of Object.values(COMPONENTS).entries()) {
        const version = versions[index] ?? (title === 'Pipeline' ? 'unknown, pipeline controller may be installed in another namespace please use tektite version -n {namespace}' : '');
        if (version) terminal.out(`${title} version: ${version}\n`);
      }
      return 0;
    } finally {
      await connection.close();
    }
  },
});

/** Undefined when it is nowhere, or when we may not look: a version is a courtesy. */
async function versionIn(cluster: Cluster, namespaces: readonly string[], name: string, signal: AbortSignal): Promise<string | undefined> {
  const found = await Promise.all(namespaces.map((namespace) => cluster.get(configMaps, namespace, name, { signal }).catch(() => undefined)));
  return found.map((configMap) => configMap?.data?.['version']).find((version) => version);
}
