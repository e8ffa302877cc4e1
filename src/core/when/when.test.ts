import { describe, expect, it } from 'vitest';
import type { WhenExpression } from '../../api/pipeline/v1/params.ts';
import { judge, unknownOperator } from './when.ts';

const when = (input: string, operator: string, ...values: string[]): WhenExpression => ({ input, operator, values });
const cel = (expression: string): WhenExpression => ({ cel: expression });

describe('judge', () => {
  it.each<[string, WhenExpression[] | undefined, 'holds' | 'fails']>([
    ['no guards', undefined, 'holds'],
    ['in, among', [when('a', 'in', 'a', 'b')], 'holds'],
    ['in, not among', [when('c', 'in', 'a', 'b')], 'fails'],
    ['in, nothing to be among', [when('a', 'in')], 'fails'],
    ['notin, among', [when('a', 'notin', 'a')], 'fails'],
    ['notin, not among', [when('b', 'notin', 'a')], 'holds'],
    ['notin, nothing to be among', [when('a', 'notin')], 'holds'],
    ['all must hold', [when('a', 'in', 'a'), when('b', 'in', 'a')], 'fails'],
    ['an empty input is a value', [when('', 'in', '')], 'holds'],
    ['case matters', [when('True', 'in', 'true')], 'fails'],
    ['CEL that holds', [cel("'release-1'.startsWith('release') && size('é') == 1")], 'holds'],
    ['CEL that does not', [cel("'a' == 'b'")], 'fails'],
    ['CEL beside values', [when('a', 'in', 'a'), cel("'a' in ['a']")], 'holds'],
    ['CEL after a guard that fails is not looked at', [when('a', 'in', 'b'), cel('1 +')], 'fails'],
  ])('%s', (_name, guards, kind) => expect(judge(guards)).toEqual({ kind }));

  it.each([
    ['no CEL', '1 +', 'the CEL expression 1 +: 1:3: syntax error: found + but expecting end of input'],
    ['no boolean', '1', 'the CEL expression 1: it is not evaluated to a boolean'],
    ['a variable', 'a == 1', "the CEL expression a == 1: 1:1: undeclared reference to 'a'"],
    ['no value', '1 / 0 == 1', 'the CEL expression 1 / 0 == 1: int divide by zero'],
  ])('CEL with a problem: %s', (_name, expression, text) =>
    expect(judge([when('a', 'in', 'a'), cel(expression)])).toEqual({ kind: 'problem', index: 1, text }),
  );
});

describe('unknownOperator', () => {
  it.each<[string, WhenExpression[] | undefined, unknown]>([
    ['no guards', undefined, undefined],
    ['fine', [when('a', 'in', 'b'), when('a', 'notin', 'b')], undefined],
    ['CEL has none', [cel("'a' == 'b'")], undefined],
    ['unknown operator', [when('a', 'exists')], { index: 0, operator: 'exists' }],
    ['no operator', [{ input: 'a' }], { index: 0, operator: '' }],
  ])('%s', (_name, guards, expected) => expect(unknownOperator(guards)).toEqual(expected));
});
