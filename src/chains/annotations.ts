import { chainsFinalizers } from '../core/chains-finalizers.ts';

export { isChainsFinalizer, legacyChainsFinalizer as legacyFinalizer } from '../core/chains-finalizers.ts';

/** What Chains writes on runs and reads from them. */
export const annotations = {
  /** "true" or "failed": never looked at again until somebody removes it. */
  signed: 'chains.tekton.dev/signed',
  /** Failures so far, counted from "0", as upstream. */
  retries: 'chains.tekton.dev/retries',
  /** Where the attestation is in the transparency log. */
  transparency: 'chains.tekton.dev/transparency',
  /** A user's "true": log this run although the mode is manual. */
  transparencyUpload: 'chains.tekton.dev/transparency-upload',
  /** A user's "false": leave this run alone. Ours. */
  sign: 'chains.tekton.dev/sign',
  /** Signatures that are made but not yet stored everywhere (plan/journal.ts). Ours. */
  pending: 'chains.tekton.dev/pending',
  /** Why signing failed or what was left out, by artifact and backend, as JSON (plan/problems.ts). Ours. */
  problems: 'chains.tekton.dev/problems',
  /** How far Chains has come, sealed (plan/mark.ts): `signed` and `retries` are believed only with it. Ours. */
  mark: 'chains.tekton.dev/mark',
} as const;

/** Of the tekton backend: followed by the artifact's short key. */
const storedPrefixes = ['payload', 'signature', 'cert', 'chain'].map((name) => `chains.tekton.dev/${name}-`);
const written: ReadonlySet<string> = new Set([
  annotations.signed,
  annotations.retries,
  annotations.transparency,
  annotations.pending,
  annotations.problems,
  annotations.mark,
]);

/** Whether Chains itself writes this annotation. What a payload says must not depend on how often it was tried. */
export function isWrittenByChains(name: string): boolean {
  return written.has(name) || storedPrefixes.some((prefix) => name.startsWith(prefix));
}

export type RunKind = keyof typeof chainsFinalizers;

export const finalizers: Readonly<Record<RunKind, string>> = chainsFinalizers;
