import type { WhenExpression } from '../../api/pipeline/v1/params.ts';

/** Whether every guard lets the task run. Variables must have been replaced already. */
export function allowsExecution(when: readonly WhenExpression[] | undefined): boolean {
  return (when ?? []).every(holds);
}

/** Operators as admission accepts them: `in` and `notin`. */
function holds({ input = '', operator, values = [] }: WhenExpression): boolean {
  const isAmong = values.includes(input);
  return operator === 'notin' ? !isAmong : isAmong;
}

/**
 * What is wrong with a guard, undefined when nothing is: CEL is not evaluated here, and other operators do not exist.
 */
export function whenProblem(
  when: readonly WhenExpression[] | undefined,
): { reason: 'cel' | 'operator'; index: number; text: string } | undefined {
  for (const [index, { cel, operator }] of (when ?? []).entries()) {
    if (cel !== undefined && cel !== '') return { reason: 'cel', index, text: cel };
    if (operator !== 'in' && operator !== 'notin') return { reason: 'operator', index, text: operator ?? '' };
  }
  return undefined;
}
