import type { StepActionRef } from '../../../api/pipeline/v1/params.ts';
import { advice, isVariable, type Advice } from './wording.ts';

/** What names one version for good, by resolver: the param, its form, and what to write. */
const pinned: Readonly<Record<string, { name: string; form: RegExp; want: string }>> = {
  git: { name: 'revision', form: /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, want: "a commit's whole hash" },
  bundles: { name: 'bundle', form: /@sha256:[0-9a-f]{64}$/, want: 'the digest of the image' },
  http: { name: 'digest', form: /^sha(?:256|512):[0-9a-f]+$/i, want: "the file's digest" },
  hub: { name: 'version', form: /^v?\d+(?:\.\d+)*$/, want: 'one version' },
};

/** A reference to a definition elsewhere, which may be another one tomorrow. */
export function referenceAdvice({ resolver = '', params }: StepActionRef, path: string): Advice[] {
  const rule = Object.hasOwn(pinned, resolver) ? pinned[resolver] : undefined;
  if (rule === undefined) return [];
  const given = params ?? [];
  const index = given.findIndex(({ name }) => name === rule.name);
  const value = given[index]?.value;
  if (typeof value === 'string' && (isVariable(value) || rule.form.test(value))) return [];
  const message = `what the ${resolver} resolver finds may be another thing tomorrow; give ${rule.want} as ${rule.name} ("tektite pin" writes it)`;
  return [advice('unpinned-reference', index < 0 ? path : `${path}.params[${index}].value`, message)];
}
