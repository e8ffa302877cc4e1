import type { Condition } from '../../api/meta.ts';
import { withCondition } from '../condition.ts';
import type { DefinitionKind } from './reference.ts';
import type { Resolved } from './resolved.ts';

/** Upstream's condition type (pkg/trustedresources/verify.go). */
export const trustedResourcesVerified = 'TrustedResourcesVerified';

/**
 * Conditions with what the policies for trusted resources said of definitions; as they were when none applied. One that
 * is not verified decides, whatever else is: a run of ten Tasks is verified only when none of them is not.
 */
export function withVerdicts(
  conditions: Condition[] | undefined,
  definitions: readonly Resolved<DefinitionKind>[],
  now: Date,
): Condition[] | undefined {
  const wasRefused = conditions?.some(({ type, status }) => type === trustedResourcesVerified && status === 'False');
  const problem = definitions.flatMap(unverified)[0];
  if (problem !== undefined)
    return withCondition(conditions, { type: trustedResourcesVerified, status: 'False', message: problem }, now);
  const isPassed = definitions.some((one) => one.kind === 'found' && one.verdict?.kind === 'passed');
  return isPassed && !wasRefused
    ? withCondition(conditions, { type: trustedResourcesVerified, status: 'True' }, now)
    : conditions;
}

function unverified(resolved: Resolved): string[] {
  if (resolved.kind === 'failed') return resolved.reason === 'Untrusted' ? [resolved.message] : [];
  return resolved.kind === 'found' && resolved.verdict?.kind === 'warned' ? [resolved.verdict.message] : [];
}
