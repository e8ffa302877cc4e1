import { describe, expect, it } from 'vitest';
import type { WhenExpression } from '../../api/pipeline/v1/params.ts';
import { allowsExecution, whenProblem } from './when.ts';

const when = (input: string, operator: string, ...values: string[]): WhenExpression => ({ input, operator, values });

describe('allowsExecution', () => {
  it.each<[string, WhenExpression[] | undefined, boolean]>([
    ['no guards', undefined, true],
    ['in, among', [when('a', 'in', 'a', 'b')], true],
    ['in, not among', [when('c', 'in', 'a', 'b')], false],
    ['in, nothing to be among', [when('a', 'in')], false],
    ['notin, among', [when('a', 'notin', 'a')], false],
    ['notin, not among', [when('b', 'notin', 'a')], true],
    ['notin, nothing to be among', [when('a', 'notin')], true],
    ['all must hold', [when('a', 'in', 'a'), when('b', 'in', 'a')], false],
    ['an empty input is a value', [when('', 'in', '')], true],
    ['case matters', [when('True', 'in', 'true')], false],
  ])('%s', (_name, guards, expected) => expect(allowsExecution(guards)).toBe(expected));
});

describe('whenProblem', () => {
  it.each<[string, WhenExpression[] | undefined, unknown]>([
    ['none', undefined, undefined],
    ['fine', [when('a', 'in', 'b'), when('a', 'notin', 'b')], undefined],
    ['cel', [when('a', 'in', 'b'), { cel: "'a' == 'b'" }], { reason: 'cel', index: 1, text: "'a' == 'b'" }],
    ['unknown operator', [when('a', 'exists')], { reason: 'operator', index: 0, text: 'exists' }],
    ['no operator', [{ input: 'a' }], { reason: 'operator', index: 0, text: '' }],
  ])('%s', (_name, guards, expected) => expect(whenProblem(guards)).toEqual(expected));
});
