import type { WhenExpression } from '../../api/pipeline/v1/params.ts';
import { compile } from '../../cel/compile.ts';

/** What guards come to: whether all of them hold, or what is wrong with a CEL expression among them. */
export type Verdict = { kind: 'holds' } | { kind: 'fails' } | { kind: 'problem'; index: number; text: string };

/**
 * Whether the guards let the task run. Variables must have been replaced already: CEL sees none. The first guard that
 * does not hold or cannot be evaluated decides.
 */
export function judge(when: readonly WhenExpression[] | undefined): Verdict {
  for (const [index, guard] of (when ?? []).entries()) {
    const verdict = guard.cel ? judgeCel(guard.cel, index) : judgeValues(guard);
    if (verdict.kind !== 'holds') return verdict;
  }
  return { kind: 'holds' };
}

function judgeCel(expression: string, index: number): Verdict {
  const program = compile(expression);
  const result = program.ok ? program.value.evaluateBoolean() : program;
  if (result.ok) return { kind: result.value ? 'holds' : 'fails' };
  return { kind: 'problem', index, text: `the CEL expression ${expression}: ${result.problem.message}` };
}

/** Operators as admission accepts them: `in` and `notin`. */
function judgeValues({ input = '', operator, values = [] }: WhenExpression): Verdict {
  const isAmong = values.includes(input);
  return { kind: (operator === 'notin' ? !isAmong : isAmong) ? 'holds' : 'fails' };
}

/** The first guard whose operator does not exist; undefined when there is none. */
export function unknownOperator(
  when: readonly WhenExpression[] | undefined,
): { index: number; operator: string } | undefined {
  for (const [index, { cel, operator = '' }] of (when ?? []).entries())
    if (!cel && operator !== 'in' && operator !== 'notin') return { index, operator };
  return undefined;
}
