import { RE2JS } from 're2js';
import type { VerificationPolicy } from '../../api/resolution/verification-policy.ts';

/**
 * Whether a pattern fits the whole address. RE2, as in Go: whoever writes a policy must not be able to stop the process
 * with an expression that takes for ever.
 * @throws Error when it is no regular expression.
 */
export function patternFits(pattern: string, address: string): boolean {
  return RE2JS.compile(anchored(pattern)).matcher(address).find();
}

/** A pattern counts only when it fits all of the address; one that has both anchors is left as it is (upstream). */
function anchored(pattern: string): string {
  const begins = pattern.startsWith('^');
  const ends = pattern.endsWith('$');
  if (begins && ends) return pattern;
  return `^(?:${pattern.slice(begins ? 1 : 0, ends ? -1 : undefined)})$`;
}

/** Git's addresses are `git+https://...` in provenance, and patterns are written without. */
export function bareAddress(uri: string): string {
  return uri.trim().replace(/^git\+/, '');
}

/** The policies with a pattern that fits where a definition came from. @throws Error for one that is no expression. */
export function matchingPolicies(uri: string, policies: readonly VerificationPolicy[]): VerificationPolicy[] {
  const address = bareAddress(uri);
  return policies.filter(({ spec }) => spec.resources.some(({ pattern }) => patternFits(pattern, address)));
}
