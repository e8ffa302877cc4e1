import type { WhenExpression } from '../../../api/pipeline/v1/params.ts';
import { advice, isVariable, type Advice } from './wording.ts';

/** A guard without a variable in it is no guard. A CEL expression may read what is not in $(): it is believed. */
export function guardAdvice(when: readonly WhenExpression[] | undefined, path: string): Advice[] {
  return (when ?? []).flatMap(({ input = '', values = [], cel }, index) => {
    if (cel || [input, ...values].some((text) => isVariable(text))) return [];
    return [advice('constant-when', `${path}[${index}]`, 'nothing in it is a variable: it always is what it is now')];
  });
}
