import { parseLogging } from '../../api/config/config-logging.ts';
import { logLevel } from '../../log.ts';

/** What the objects of listeners have in common, from the controller's flags and ConfigMaps. */
export interface ListenerSettings {
  image: string;
  pullPolicy?: string;
  /** config-defaults-triggers; undefined: the key is "", so the field is left out. */
  defaultServiceAccount: string;
  runAsUser?: number | undefined;
  runAsGroup?: number | undefined;
  fsGroup?: number | undefined;
  runAsNonRoot?: boolean | undefined;
  /** Whose pods take the events of listeners that do not say. */
  defaultSink: 'own' | 'shared';
  /** feature-flags-triggers: labels of listeners that are not passed on. */
  labelsExcluded?: RegExp | undefined;
  /** Of sinks: they take it from their listener's status, since a change must not start them anew. */
  logLevel: string;
  /** Kubernetes events of what happens to events: enable or disable. */
  events: 'enable' | 'disable';
  /** Seconds, as in upstream's controller manifest. */
  timeouts: { read: number; handler: number; interceptor: number };
}

/** Data of the ConfigMaps config-defaults-triggers, feature-flags-triggers and config-logging-triggers. */
export interface TriggersConfig {
  defaults?: Readonly<Record<string, string>> | undefined;
  features?: Readonly<Record<string, string>> | undefined;
  logging?: Readonly<Record<string, string>> | undefined;
}

/** A bad value and what is used in its place. */
export interface SettingProblem {
  /** The name of its ConfigMap. */
  map: 'config-defaults-triggers' | 'feature-flags-triggers';
  key: string;
  message: string;
}

type FromConfig = Pick<
  ListenerSettings,
  | 'defaultServiceAccount'
  | 'defaultSink'
  | 'runAsUser'
  | 'runAsGroup'
  | 'fsGroup'
  | 'runAsNonRoot'
  | 'labelsExcluded'
  | 'logLevel'
>;

/** What the ConfigMaps say; a bad value keeps its default and is told. */
export function listenerSettings({ defaults = {}, features = {}, logging = {} }: TriggersConfig): {
  settings: FromConfig;
  problems: SettingProblem[];
} {
  const problems: SettingProblem[] = [];
  const runAsNonRoot = nonRoot(defaults, problems);
  const defaultSink = sink(defaults, problems);
  return {
    settings: {
      defaultSink,
      defaultServiceAccount: defaults['default-service-account'] || 'default',
      runAsUser: id(defaults, 'default-run-as-user', problems),
      runAsGroup: id(defaults, 'default-run-as-group', problems),
      fsGroup: id(defaults, 'default-fs-group', problems),
      runAsNonRoot,
      labelsExcluded: pattern(features['labels-exclusion-pattern'], problems),
      logLevel: levelOf(logging),
    },
    problems,
  };
}

type Defaults = Readonly<Record<string, string>>;

/** Of a user or a group; undefined: it is left out. */
function id(defaults: Defaults, key: string, problems: SettingProblem[]): number | undefined {
  const text = defaults[key];
  if (text === '') return undefined;
  if (text === undefined) return 65532;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  problems.push({
    map: 'config-defaults-triggers',
    key,
    message: `${key} is ${JSON.stringify(text)}; give a number, or "" to leave it out; 65532 is used`,
  });
  return 65532;
}

function nonRoot(defaults: Defaults, problems: SettingProblem[]): boolean | undefined {
  const text = defaults['default-run-as-non-root'] ?? 'true';
  if (!['true', 'false', ''].includes(text))
    problems.push({
      map: 'config-defaults-triggers',
      key: 'default-run-as-non-root',
      message: `default-run-as-non-root is ${JSON.stringify(text)}; give true or false; true is used`,
    });
  return text === '' ? undefined : text !== 'false';
}

function sink(defaults: Defaults, problems: SettingProblem[]): ListenerSettings['defaultSink'] {
  const text = defaults['default-sink'] ?? 'own';
  if (text === 'own' || text === 'shared') return text;
  problems.push({
    map: 'config-defaults-triggers',
    key: 'default-sink',
    message: `default-sink is ${JSON.stringify(text)}; give own or shared; own is used`,
  });
  return 'own';
}

/** What is wrong about it is told by whoever reads the same map for the controller's own level. */
function levelOf(logging: Readonly<Record<string, string>>): string {
  return logLevel(parseLogging(logging).logging.eventlistener ?? 'info') ?? 'info';
}

function pattern(text: string | undefined, problems: SettingProblem[]): RegExp | undefined {
  if (!text) return undefined;
  try {
    return new RegExp(text);
  } catch {
    problems.push({
      map: 'feature-flags-triggers',
      key: 'labels-exclusion-pattern',
      message: `labels-exclusion-pattern is no regular expression: ${text}; no label is left out`,
    });
    return undefined;
  }
}
