import { configMaps } from '../kube/resources.ts';
import type { Cluster, ConnectionChoice } from './cluster.ts';
import { command } from './command.ts';
import type { Command, Context } from './command.ts';
import { text } from './flags.ts';

/** Where components leave their version: ConfigMap by component, in the first of these namespaces that has it. */
const NAMESPACES = [
  'tekton-pipelines',
  'openshift-pipelines',
  'tekton-chains',
  'tekton-operator',
  'openshift-operators',
];
type Component = 'chains' | 'pipeline' | 'triggers' | 'dashboard' | 'operator' | 'hub';
/** In tkn's order. */
const COMPONENTS: Readonly<Record<Component, { title: string; configMap: string }>> = {
  chains: { title: 'Chains', configMap: 'chains-info' },
  pipeline: { title: 'Pipeline', configMap: 'pipelines-info' },
  triggers: { title: 'Triggers', configMap: 'triggers-info' },
  dashboard: { title: 'Dashboard', configMap: 'dashboard-info' },
  operator: { title: 'Operator', configMap: 'tekton-operator-info' },
  hub: { title: 'Hub', configMap: 'hub-info' },
};
const NAMES = Object.keys(COMPONENTS) as Component[];

/** `version`: the client's, and those of the components that can be found. Without a cluster the client's alone. */
export const versionCommand: Command = command({
  names: ['version'],
  summary: 'Prints version information',
  usage: '',
  examples: '',
  needsCluster: false,
  flags: { component: text(`provide a particular component name for its version (client|${NAMES.join('|')})`) },
  async run(context, flags) {
    const { environment, terminal } = context;
    const choice = flags as typeof flags & ConnectionChoice & { namespace: string };
    const wanted = NAMES.filter((name) => choice.component === '' || name === choice.component);
    if (choice.component === 'client') terminal.out(`${environment.version}\n`);
    else if (choice.component === '') terminal.out(`Client version: ${environment.version}\n`);
    else if (wanted.length === 0) terminal.out('Invalid component value\n');
    if (wanted.length === 0) return 0;
    const versions = await versionsOf(context, wanted, choice);
    if (choice.component !== '') terminal.out(`${versions?.[0] ?? 'unknown'}\n`);
    else if (versions) terminal.out(wanted.map((name, index) => versionLine(name, versions[index])).join(''));
    return 0;
  },
});

function versionLine(name: Component, version: string | undefined): string {
  const missing =
    name === 'pipeline'
      ? 'unknown, pipeline controller may be installed in another namespace please use tektite version -n {namespace}'
      : undefined;
  const shown = version ?? missing;
  return shown === undefined ? '' : `${COMPONENTS[name].title} version: ${shown}\n`;
}

/** Undefined without a cluster. */
async function versionsOf(
  { environment, signal }: Context,
  components: readonly Component[],
  choice: ConnectionChoice & { namespace: string },
): Promise<(string | undefined)[] | undefined> {
  const connection = await environment
    .connect({ kubeconfig: choice.kubeconfig, context: choice.context })
    .catch(() => undefined);
  if (!connection) return undefined;
  try {
    const namespaces = choice.namespace ? [choice.namespace] : NAMESPACES;
    const versions = await Promise.all(
      components.map((name) => versionIn(connection.cluster, namespaces, COMPONENTS[name].configMap, signal)),
    );
    signal.throwIfAborted();
    return versions;
  } finally {
    await connection.close();
  }
}

/** Undefined when it is nowhere, or when we may not look: a version is a courtesy. */
async function versionIn(
  cluster: Cluster,
  namespaces: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await Promise.all(
    namespaces.map((namespace) => cluster.get(configMaps, namespace, name, { signal }).catch(() => undefined)),
  );
  return found.map((configMap) => configMap?.data?.['version']).find((version) => version);
}
