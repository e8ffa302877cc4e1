import { parseBackOff } from '../../api/config/config-back-off.ts';
import { parseConcurrency } from '../../api/config/config-concurrency.ts';
import { parseDefaults } from '../../api/config/config-defaults.ts';
import { parseEvents } from '../../api/config/config-events.ts';
import { parseLeaderElection } from '../../api/config/config-leader-election.ts';
import { parseLogging } from '../../api/config/config-logging.ts';
import { parseObservability } from '../../api/config/config-observability.ts';
import { parsePruner } from '../../api/config/config-pruner.ts';
import { parseTracing } from '../../api/config/config-tracing.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import { parseGlobalPruning, prunerMaps } from '../../api/config/pruner-limits.ts';
import type { ConfigProblem } from '../../api/config/values.ts';
import type { KubeObject } from '../../resource.ts';
import { allowed, badRequest, type AdmissionRequest, type Verdict } from './review.ts';

type Data = Readonly<Record<string, string>> | undefined;

/** Whose form is known, by name; all of their kind in this namespace. */
const parsers: Readonly<Record<string, (data: Data) => { problems: ConfigProblem[] }>> = {
  'config-defaults': parseDefaults,
  'feature-flags': parseFeatureFlags,
  'config-observability': parseObservability,
  'config-logging': parseLogging,
  'config-concurrency': parseConcurrency,
  'config-events': parseEvents,
  'config-tracing': parseTracing,
  'config-wait-exponential-backoff': parseBackOff,
  'config-pruner': parsePruner,
  [prunerMaps.global.name]: prunerLimits,
  'config-leader-election-webhook': unread,
  'config-leader-election-events': unread,
  'config-leader-election-triggers-webhook': unread,
};

/** Maps of upstream's names that nothing here reads: whoever sets something is told. */
function unread(data: Data): { problems: ConfigProblem[] } {
  const problems = Object.keys(data ?? {})
    .filter((key) => key !== '_example')
    .map((key): ConfigProblem => ({
      kind: 'unknown-key',
      key,
      message: `key ${key} has no effect: nobody leads here`,
    }));
  return { problems };
}

function prunerLimits(data: Data): { problems: ConfigProblem[] } {
  const { key } = prunerMaps.global;
  const text = data?.[key];
  if (text === undefined) return { problems: [] };
  const told = parseGlobalPruning(text).problems;
  return { problems: told.map((message) => ({ kind: 'invalid-value', key, value: text, message })) };
}

function parserOf(name: string): ((data: Data) => { problems: ConfigProblem[] }) | undefined {
  if (Object.hasOwn(parsers, name)) return parsers[name];
  return /^config-leader-election(-|$)/.test(name) ? parseLeaderElection : undefined;
}

/**
 * Validation of the suite's ConfigMaps (config.webhook.pipeline.tekton.dev): a bad value is refused with what to write
 * instead; a key that nobody reads is a warning.
 * @param names the ConfigMaps' own names by the names that upstream ships them under (CONFIG_DEFAULTS_NAME and so on)
 */
export function validateConfig(request: AdmissionRequest, names: Readonly<Record<string, string>> = {}): Verdict {
  if (request.operation === 'DELETE' || request.kind.kind !== 'ConfigMap' || !request.object) return allowed;
  const shipped = shippedName(request.object.metadata.name ?? '', names);
  const { data } = request.object as KubeObject & { data?: Data };
  return verdictOn(parserOf(shipped)?.(data ?? undefined).problems ?? []);
}

function shippedName(given: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).find(([, name]) => name === given)?.[0] ?? given;
}

function verdictOn(problems: readonly ConfigProblem[]): Verdict {
  const bad = problems.filter(({ kind }) => kind === 'invalid-value').map(({ message }) => message);
  if (bad.length > 0) return badRequest(`validation failed: ${bad.join('\n')}`);
  const warnings = problems.map(({ message }) => message);
  return warnings.length === 0 ? allowed : { allowed: true, warnings };
}
