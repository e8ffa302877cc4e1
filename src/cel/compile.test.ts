import { celFunc, CelScalar } from '@bufbuild/cel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, type CelProblem, type CompileOptions } from './compile.ts';

function problemOf(expression: string, options?: CompileOptions): CelProblem | undefined {
  const program = compile(expression, options);
  const result = program.ok ? program.value.evaluateBoolean() : program;
  return result.ok ? undefined : result.problem;
}

const ones = (count: number): string => `[${Array.from({ length: count }, () => '1').join(',')}]`;

describe('compile', () => {
  it.each([
    ["'a' in ['a', 'b'] && !('c' in ['a'])", true],
    ["'v1.2'.matches('^v[0-9]+') ? 1 < 2 : false", true],
    ['[1, 2, 3].filter(x, x % 2 == 1).map(x, x * 2) == [2, 6]', true],
    ['[0, 1].exists(x, 1 / x == 1)', true],
    ["{'a': [1, 2]}.a[1] == 2 && has({'a': 1}.a) && !has({'a': 1}.b)", true],
    ["timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp('2026-01-01T00:30:00Z')", true],
    ['type(1) == int && type(b"a") == bytes', true],
    ['false // a comment', false],
  ])('%s', (expression, value) => {
    const program = compile(expression);
    expect(program.ok && program.value.evaluateBoolean()).toEqual({ ok: true, value });
  });

  it.each<[string, string, CelProblem]>([
    [
      'no CEL',
      '1 +',
      {
        kind: 'syntax',
        message: '1:3: syntax error: found + but expecting end of input',
        position: { line: 1, column: 3 },
      },
    ],
    [
      'nothing',
      '',
      {
        kind: 'syntax',
        message: expect.stringContaining('1:1: syntax error') as string,
        position: { line: 1, column: 1 },
      },
    ],
    [
      'a name',
      'true ||\n  foo == 1',
      { kind: 'undeclared', message: "2:3: undeclared reference to 'foo'", position: { line: 2, column: 3 } },
    ],
    [
      'a name of JavaScript',
      'constructor == 1',
      { kind: 'undeclared', message: "1:1: undeclared reference to 'constructor'", position: { line: 1, column: 1 } },
    ],
    [
      "a loop's variable outside",
      '[1].all(x, x > 0) && x',
      { kind: 'undeclared', message: "1:22: undeclared reference to 'x'", position: { line: 1, column: 22 } },
    ],
    ['an unknown function', "'a'.frob()", { kind: 'evaluation', message: 'unbound function: frob' }],
    [
      'operands of the wrong type',
      "1 + 'a' == 2",
      { kind: 'evaluation', message: "found no matching overload for '_+_' applied to '(int, string)'" },
    ],
    ['no value', '1 / 0 == 1', { kind: 'evaluation', message: 'int divide by zero' }],
    ['no boolean', '1', { kind: 'type', message: 'it is not evaluated to a boolean' }],
  ])('says what is wrong: %s', (_name, expression, problem) => expect(problemOf(expression)).toEqual(problem));

  it('knows variables and functions that it is told of', () => {
    const twice = celFunc('twice', [CelScalar.INT], CelScalar.INT, (x) => x * 2n);
    const program = compile("body.ref.startsWith('refs/') && twice(2) == 4 && size(body.list) == 2", {
      variables: ['body'],
      functions: [twice],
    });
    if (!program.ok) throw new Error(program.problem.message);
    expect(program.value.evaluateBoolean({ body: { ref: 'refs/heads/main', list: ['a', 'b'] } })).toEqual({
      ok: true,
      value: true,
    });
    expect(program.value.evaluateBoolean({ body: { ref: 'x', list: [] } })).toEqual({ ok: true, value: false });
  });

  it('gives every evaluation a budget of its own', () => {
    const program = compile(`${ones(1_000)}.all(x, x == 1)`);
    if (!program.ok) throw new Error(program.problem.message);
    for (let turn = 0; turn < 20; turn++) expect(program.value.evaluateBoolean()).toEqual({ ok: true, value: true });
  });
});

describe('what an expression may cost', () => {
  const doublings = '.map(x, x + x)'.repeat(60);
  it.each([
    ['its length', ' '.repeat(20_000), 'it has 20000 characters, more than 16384'],
    ['brackets', '('.repeat(16_000), 'it is nested too deeply'],
    ['a long sum', `1${'+1'.repeat(8_000)} == 1`, 'it is nested too deeply'],
    [
      'loops in loops',
      `${ones(300)}.all(x, ${ones(300)}.all(y, ${ones(300)}.all(z, true)))`,
      'it takes more than 30000 operations',
    ],
    [
      'loops over nothing much',
      `${ones(500)}.exists(x, ${ones(500)}.exists(y, false))`,
      'it takes more than 30000 operations',
    ],
    ['a text that doubles', `['ab']${doublings}[0].size() == 1`, 'it takes more than 30000 operations'],
    ['a list that doubles', `[[1, 1]]${doublings}[0].size() == 1`, 'it takes more than 30000 operations'],
    [
      'a large text against a pattern',
      `'${'a'.repeat(15_000)}'.matches('(a|b)*(c|d)*(e|f)*b')`,
      'it takes more than 30000 operations',
    ],
    [
      'a pattern with repetitions',
      `'${'a'.repeat(1_000)}'.matches('(a?){1000}a{1000}')`,
      'it takes more than 30000 operations',
    ],
    ['a long pattern', `'a'.matches('${'a'.repeat(15_000)}')`, 'it takes more than 30000 operations'],
  ])('is bounded: %s', (_name, expression, message) => {
    const before = process.cpuUsage();
    expect(problemOf(expression)).toEqual({ kind: 'limit', message });
    const { user, system } = process.cpuUsage(before);
    // It takes some 50 ms on a quiet machine; without the bounds, minutes.
    expect((user + system) / 1000).toBeLessThan(1_000);
  });

  it('leaves room for what is honest', () => {
    expect(problemOf(`${ones(500)}.map(x, x + 1).filter(x, x == 2).size() == 500`)).toBeUndefined();
    expect(problemOf(`'${'a'.repeat(1_000)}'.matches('^[a-z]+(-[0-9]+)*$')`)).toBeUndefined();
    expect(problemOf(`'${'a'.repeat(63)}'.matches('^[a-z0-9]{1,63}$')`)).toBeUndefined();
    expect(problemOf(`${'true && '.repeat(500)}true`)).toBeUndefined();
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      '1',
      "'a'",
      'x',
      '[',
      ']',
      '(',
      ')',
      '.map(x, x)',
      ' + ',
      ' == ',
      ' && ',
      '!',
      '{',
      '}',
      '?',
      ':',
      'size',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        expect(typeof (problemOf(expression)?.message ?? '')).toBe('string');
      }),
    );
  });
});
