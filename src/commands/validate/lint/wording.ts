import type { FieldError } from '../../../api/fielderror.ts';
import type { LintRule } from './rules.ts';

/** What works, and could be better. */
export type Advice = FieldError & { rule: LintRule };

export function advice(rule: LintRule, path: string, message: string): Advice {
  return { rule, path, message };
}

/** Whether JSON has a variable in one of its three spellings: `params.x`, `params['x']`, `params["x"]`. */
export function mentions(json: string, prefix: string, name: string): boolean {
  const spellings = [`${prefix}.${name}`, `${prefix}['${name}']`, JSON.stringify(`${prefix}["${name}"]`).slice(1, -1)];
  return spellings.some((spelling) => json.includes(spelling));
}

/** Whether a text has a name, and not only as a part of another word. What has no name is another check's. */
export function names(text: string, name: string | undefined): boolean {
  if (!name) return true;
  return new RegExp(`(?<![A-Za-z0-9])${name.replaceAll(/[^A-Za-z0-9_]/g, '\\$&')}(?![A-Za-z0-9])`).test(text);
}

/** Whether a text has a variable in it, whose value is not known. */
export function isVariable(text: string | undefined): boolean {
  return text?.includes('$(') ?? false;
}
