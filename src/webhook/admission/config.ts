import { parseDefaults } from '../../api/config/config-defaults.ts';
import { parseLeaderElection } from '../../api/config/config-leader-election.ts';
import { parseObservability } from '../../api/config/config-observability.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import type { ConfigProblem } from '../../api/config/values.ts';
import type { KubeObject } from '../../resource.ts';
import { allowed, badRequest, type AdmissionRequest, type Verdict } from './review.ts';

type Data = Readonly<Record<string, string>> | undefined;

/** Whose form is known, by name; all of their kind in this namespace. */
const parsers: Readonly<Record<string, (data: Data) => { problems: ConfigProblem[] }>> = {
  'config-defaults': parseDefaults,
  'feature-flags': parseFeatureFlags,
  'config-observability': parseObservability,
};

function parserOf(name: string): ((data: Data) => { problems: ConfigProblem[] }) | undefined {
  if (name.startsWith('config-leader-election-')) return parseLeaderElection;
  return Object.hasOwn(parsers, name) ? parsers[name] : undefined;
}

/**
 * Validation of the suite's ConfigMaps (config.webhook.pipeline.tekton.dev): a bad value is refused with what to write
 * instead; a key that nobody reads is a warning.
 * @param names the ConfigMaps' own names by the names that upstream ships them under (CONFIG_DEFAULTS_NAME and so on)
 */
export function validateConfig(request: AdmissionRequest, names: Readonly<Record<string, string>> = {}): Verdict {
  if (request.operation === 'DELETE' || request.kind.kind !== 'ConfigMap' || !request.object) return allowed;
  const given = request.object.metadata.name ?? '';
  const shipped = Object.entries(names).find(([, name]) => name === given)?.[0] ?? given;
  const { data } = request.object as KubeObject & { data?: Data };
  const problems = parserOf(shipped)?.(data ?? undefined).problems ?? [];
  const bad = problems.filter(({ kind }) => kind === 'invalid-value').map(({ message }) => message);
  if (bad.length > 0) return badRequest(`validation failed: ${bad.join('\n')}`);
  const warnings = problems.map(({ message }) => message);
  return warnings.length === 0 ? allowed : { allowed: true, warnings };
}
