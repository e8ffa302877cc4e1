import { parseBackOff } from '../api/config/config-back-off.ts';
import { parseConcurrency } from '../api/config/config-concurrency.ts';
import { parseDefaults } from '../api/config/config-defaults.ts';
import { parseEvents } from '../api/config/config-events.ts';
import { parseLeaderElection } from '../api/config/config-leader-election.ts';
import { parseLogging } from '../api/config/config-logging.ts';
import { parseObservability } from '../api/config/config-observability.ts';
import { configPrunerName, parsePruner } from '../api/config/config-pruner.ts';
import { parseSpire } from '../api/config/config-spire.ts';
import { parseTracing } from '../api/config/config-tracing.ts';
import { parseFeatureFlags } from '../api/config/feature-flags.ts';
import { ineffectiveDefaults, ineffectiveFlags } from '../api/config/ineffective.ts';
import { parseChainsConfig } from '../chains/config/parse.ts';
import type { ConfigMap } from '../kube/resources.ts';
import { checkConfig } from '../resolvers/config-check.ts';
import type { ResolverType } from '../resolvers/resolver.ts';
import { listenerSettings } from '../triggers/eventlistener/settings.ts';
import type { Places } from './places.ts';
import type { Finding, SettingsState } from './report.ts';

type Data = Readonly<Record<string, string>>;
/** `beside` gives what another map of the same namespace says. */
type Check = (data: Data, beside: (name: string) => Data) => readonly { message: string }[];

/** What a role would say of its own ConfigMap: the same readers, so that nothing is judged in two ways. */
interface Checked {
  place: keyof Places;
  name: string;
  check: Check;
}

const resolverMaps: readonly [name: string, type: ResolverType][] = [
  ['bundleresolver-config', 'bundles'],
  ['cluster-resolver-config', 'cluster'],
  ['git-resolver-config', 'git'],
  ['http-resolver-config', 'http'],
  ['hubresolver-config', 'hub'],
];

const flagsCheck: Check = (data) => {
  const { flags, problems } = parseFeatureFlags(data);
  return [...problems, ...ineffectiveFlags(flags)];
};
const defaultsCheck: Check = (data, beside) => {
  const { defaults, problems } = parseDefaults(data);
  const { flags } = parseFeatureFlags(beside('feature-flags'));
  return [...problems, ...ineffectiveDefaults(defaults, flags)];
};

const ofPipelines: Readonly<Record<string, Check>> = {
  'feature-flags': flagsCheck,
  'config-defaults': defaultsCheck,
  'config-concurrency': (data) => parseConcurrency(data).problems,
  'config-events': (data) => parseEvents(data).problems,
  'config-logging': (data) => parseLogging(data).problems,
  'config-observability': (data) => parseObservability(data).problems,
  'config-leader-election-controller': (data) => parseLeaderElection(data).problems,
  'config-leader-election': (data) => parseLeaderElection(data).problems,
  'config-wait-exponential-backoff': (data) => parseBackOff(data).problems,
  'config-tracing': (data) => parseTracing(data).problems,
  'config-spire': (data) => parseSpire(data).problems,
  [configPrunerName]: (data) => parsePruner(data).problems,
};

const checked: readonly Checked[] = [
  ...Object.entries(ofPipelines).map(([name, check]): Checked => ({ place: 'pipelines', name, check })),
  { place: 'chains', name: 'chains-config', check: (data) => parseChainsConfig(data).problems },
  {
    place: 'chains',
    name: 'tekton-chains-config-leader-election',
    check: (data) => parseLeaderElection(data).problems,
  },
  {
    place: 'chains',
    name: 'tekton-chains-config-observability',
    check: (data) => parseObservability(data).problems,
  },
  ...resolverMaps.map(([name, type]): Checked => ({
    place: 'resolvers',
    name,
    check: (data) => checkConfig(type, data),
  })),
  {
    place: 'resolvers',
    name: 'config-leader-election-resolvers',
    check: (data) => parseLeaderElection(data).problems,
  },
  {
    place: 'triggers',
    name: 'config-defaults-triggers',
    check: (defaults) => listenerSettings({ defaults }).problems,
  },
  {
    place: 'triggers',
    name: 'feature-flags-triggers',
    check: (features) => listenerSettings({ features }).problems,
  },
  {
    place: 'triggers',
    name: 'config-leader-election-triggers-controller',
    check: (data) => parseLeaderElection(data).problems,
  },
];

const MOST_PROBLEMS = 20;
const LONGEST_TEXT = 600;

/** The ConfigMaps that are there, and what is wrong in them. Values of other keys are not told: some are secret. */
export function settingsOf(
  configMaps: readonly ConfigMap[],
  places: Places,
): { settings: SettingsState[]; findings: Finding[] } {
  const byName = new Map(configMaps.map((map) => [`${map.metadata.namespace}/${map.metadata.name}`, map]));
  const settings: SettingsState[] = [];
  const findings: Finding[] = [];
  for (const { place, name, check } of checked) {
    const namespace = places[place];
    const map = byName.get(`${namespace}/${name}`);
    if (map === undefined) continue;
    const data = textsOf(map);
    const problems = check(data, (other) => textsOf(byName.get(`${namespace}/${other}`)));
    const set = Object.keys(data).filter((key) => key !== '_example').length;
    settings.push({ namespace, name, set, problems: problems.length });
    for (const { message } of problems.slice(0, MOST_PROBLEMS))
      findings.push({
        severity: 'warning',
        about: `ConfigMap ${namespace}/${name}`,
        text: message.length > LONGEST_TEXT ? `${message.slice(0, LONGEST_TEXT)}...` : message,
        remedy: `kubectl -n ${namespace} edit configmap ${name}`,
      });
  }
  return { settings, findings };
}

function textsOf({ data = {} }: Pick<ConfigMap, 'data'> = {}): Data {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => typeof value === 'string'));
}
