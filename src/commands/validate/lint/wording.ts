import type { RuledError } from '../references.ts';

export function advice(rule: string, path: string, message: string): RuledError {
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
