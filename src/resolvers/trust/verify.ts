import type { VerificationPolicy } from '../../api/resolution/verification-policy.ts';
import { messageOf } from '../../errors.ts';
import { FormError } from './form.ts';
import { matchingPolicies } from './patterns.ts';
import { isSignedBy, type TrustedKey } from './public-key.ts';
import { signatureAnnotation, signedDigests, type Definition } from './signed-forms.ts';

/** What trusted resources say of a definition; `skipped`: no policy is about it and none is asked for. */
export type Verdict =
  { kind: 'skipped' } | { kind: 'passed' } | { kind: 'warned'; message: string } | { kind: 'failed'; message: string };

/** Nobody can say just now whether a key is good: asking again may bring a verdict. */
export class NoVerdictYet extends Error {
  override name = 'NoVerdictYet';
}

export interface Verification {
  definition: Definition;
  /** Where it came from; "" when the resolver does not say. */
  uri: string;
  /** Those of the run's namespace. */
  policies: readonly VerificationPolicy[];
  /** Flag trusted-resources-verification-no-match-policy. */
  noMatch: 'ignore' | 'warn' | 'fail';
  /** The keys of a policy's authorities. @throws Error saying what is wrong with one. */
  keysOf: (policy: VerificationPolicy) => Promise<readonly TrustedKey[]>;
}

/**
 * Checks a definition against the policies whose patterns fit its origin: every enforcing one must be satisfied, and
 * one key of a policy is enough for it. Whatever cannot be decided counts as failed.
 * @throws NoVerdictYet
 */
export async function verifyDefinition(verification: Verification): Promise<Verdict> {
  const { definition, uri, policies, noMatch } = verification;
  const name = definition.metadata.name ?? '';
  let matching: VerificationPolicy[];
  try {
    matching = matchingPolicies(uri, policies);
  } catch (error) {
    return failed(`failed to get matched policies: ${messageOf(error)}: regex failed to match`);
  }
  if (matching.length === 0) {
    const message = `failed to get matched policies: no policies are matched: no matching policies are found for resource: ${name} against source: ${uri}`;
    return withoutPolicy(noMatch, message);
  }
  const signed = readSigned(definition);
  if (signed.kind === 'unreadable') return failed(signed.message);
  const isWarning = ({ spec }: VerificationPolicy) => spec.mode === 'warn';
  for (const policy of matching.filter((each) => !isWarning(each))) {
    const problem = await problemWith(policy, signed, verification);
    if (problem !== undefined) return failed(problem);
  }
  for (const policy of matching.filter(isWarning)) {
    const problem = await problemWith(policy, signed, verification);
    if (problem !== undefined) return { kind: 'warned', message: problem };
  }
  return { kind: 'passed' };
}

function withoutPolicy(noMatch: Verification['noMatch'], message: string): Verdict {
  if (noMatch === 'ignore') return { kind: 'skipped' };
  return noMatch === 'warn' ? { kind: 'warned', message } : failed(message);
}

function failed(message: string): Verdict {
  return { kind: 'failed', message };
}

interface Signed {
  kind: 'readable';
  signature: Buffer;
  digests: readonly Buffer[];
}

function readSigned(definition: Definition): Signed | { kind: 'unreadable'; message: string } {
  const text = definition.metadata.annotations?.[signatureAnnotation] ?? '';
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text))
    return { kind: 'unreadable', message: `annotation ${signatureAnnotation} is not base64` };
  try {
    return { kind: 'readable', signature: Buffer.from(text, 'base64'), digests: signedDigests(definition) };
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    return { kind: 'unreadable', message: `the definition cannot be checked: ${error.message}` };
  }
}

/** Why a policy is not satisfied; undefined when it is. */
async function problemWith(
  policy: VerificationPolicy,
  { signature, digests }: Signed,
  { definition, keysOf }: Verification,
): Promise<string | undefined> {
  let keys: readonly TrustedKey[];
  try {
    keys = await keysOf(policy);
    if (keys.length === 0) throw new Error('no public keys are founded');
  } catch (error) {
    if (error instanceof NoVerdictYet) throw error;
    return `failed to get verifiers from policy ${policy.metadata.name}: ${messageOf(error)}`;
  }
  if (keys.some((key) => digests.some((digest) => isSignedBy(key, digest, signature)))) return undefined;
  const { name = '', namespace = '', annotations } = definition.metadata;
  const why =
    annotations?.[signatureAnnotation] === undefined
      ? 'it has no signature (tkn task sign, tkn pipeline sign)'
      : 'its signature is by none of the keys, or it was changed since';
  return `resource verification failed: resource ${name} in namespace ${namespace} fails verification: policy ${policy.metadata.name}: ${why}`;
}
