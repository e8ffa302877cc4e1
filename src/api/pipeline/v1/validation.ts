import { parseDefaults, type Defaults } from '../../config/config-defaults.ts';
import { parseFeatureFlags, type FeatureFlags } from '../../config/feature-flags.ts';
import { fieldError, invalidValue, type FieldError } from '../../fielderror.ts';
import type { ObjectMeta } from '../../meta.ts';
import { DurationError, formatDuration, parseDuration } from '../../../duration.ts';

/** What decides, beside the object itself, whether it is valid. */
export interface ValidationContext {
  flags: FeatureFlags;
  defaults: Defaults;
  /** Whether the object is new: what is refused then may have come in with an older version. */
  creating?: boolean;
}

/** The context of a cluster where nobody changed the ConfigMaps. */
export const defaultValidationContext: ValidationContext = {
  flags: parseFeatureFlags(undefined).flags,
  defaults: parseDefaults(undefined).defaults,
};

/** An error when a feature of this stability is used while enable-api-fields does not allow it. */
export function requireApiFields(
  context: ValidationContext,
  feature: string,
  stability: 'alpha' | 'beta',
  path = '',
): FieldError[] {
  const current = context.flags.enableApiFields;
  if (current === 'alpha' || current === stability) return [];
  const allowed = stability === 'alpha' ? '"alpha"' : '"alpha" or "beta"';
  return fieldError(
    `${feature} requires "enable-api-fields" feature gate to be ${allowed} but it is "${current}"`,
    path,
  );
}

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LONGEST_NAME = 63;

/** RFC 1123 label: 63 lower case letters, digits and inner hyphens. */
export function isDnsLabel(name: string): boolean {
  return DNS_LABEL.test(name);
}

/** Kubernetes' texts for a name that is no qualified name (`[prefix/]name`); empty when it is one. */
export function qualifiedNameProblems(name: string): string[] {
  const slash = name.indexOf('/');
  const [prefix, last] = slash < 0 ? [undefined, name] : [name.slice(0, slash), name.slice(slash + 1)];
  const problems: string[] = [];
  if (last.includes('/')) {
    return [
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  if (prefix !== undefined && !DNS_SUBDOMAIN.test(prefix))
    problems.push(
      "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    );
  if (last === '') problems.push('name part must be non-empty');
  else if (last.length > LONGEST_NAME) problems.push(`name part must be no more than ${LONGEST_NAME} bytes`);
  if (!QUALIFIED.test(last)) {
    problems.push(
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    );
  }
  return problems;
}

/** Names end up in labels, so they are shorter than Kubernetes allows. A generated name is checked once it exists. */
export function validateObjectName(metadata: ObjectMeta): FieldError[] {
  const name = metadata.name ?? '';
  if (name === '' && metadata.generateName) return [];
  if (!DNS_SUBDOMAIN.test(name))
    return fieldError(`invalid resource name ${JSON.stringify(name)}: must be a valid DNS label`, 'metadata.name');
  if (name.length > LONGEST_NAME)
    return fieldError(`Invalid resource name: length must be no more than ${LONGEST_NAME} characters`, 'metadata.name');
  return [];
}

/** Milliseconds of a duration that the validators have accepted, undefined for none or a bad one. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

/** A duration must be readable and not negative. */
export function validateDuration(text: string | undefined, path: string): FieldError[] {
  if (text === undefined) return [];
  try {
    const ms = parseDuration(text);
    return ms < 0 ? invalidValue(`${formatDuration(ms)} should be >= 0`, path) : [];
  } catch (error) {
    if (error instanceof DurationError) return invalidValue(`${error.message}; use a form such as 1h30m or 90s`, path);
    throw error;
  }
}

/** Go's %q for ordinary text. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** Names that occur more than once, each with the indexes of the later occurrences. */
export function repeated<T>(
  items: readonly T[] | undefined,
  nameOf: (item: T) => string,
): { name: string; index: number; first: number }[] {
  const seen = new Map<string, number>();
  return (items ?? []).flatMap((item, index) => {
    const name = nameOf(item);
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    return first === undefined ? [] : [{ name, index, first }];
  });
}
