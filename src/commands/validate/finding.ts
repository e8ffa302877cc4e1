import type { Position } from './manifest.ts';

/** Something that is wrong, or could be better. */
export interface Finding extends Position {
  severity: 'error' | 'warning';
  /** Short name of the rule, such as `unknown-param`. */
  rule: string;
  /** `Task greet`; "" for what is no object. */
  subject: string;
  /** Such as `spec.steps[0].image`. */
  path: string;
  message: string;
}

export function byPosition(left: Finding, right: Finding): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column || (left.message < right.message ? -1 : 1);
}
