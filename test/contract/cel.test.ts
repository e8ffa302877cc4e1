import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/cel/compile.ts';

/**
 * One guard, two judges: cel-go in the pod (src/entrypoint/cel) for steps, src/cel in the controller for Pipeline
 * tasks. They agree but for what is listed.
 */
const source = path.resolve(import.meta.dirname, '../../src/entrypoint/cel');
let root = '';

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'cel-contract-'));
  const env = { ...process.env, CGO_ENABLED: '0' };
  await promisify(execFile)('go', ['build', '-trimpath', '-o', path.join(root, 'cel'), '.'], { cwd: source, env });
}, 300_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** true, false, or error; in the pod with cel-go's words. */
interface Judgement {
  says: string;
  error: string;
}

function inThePod(expressions: readonly string[]): Judgement[] {
  const output = execFileSync(path.join(root, 'cel'), { input: JSON.stringify(expressions), maxBuffer: 64 << 20 });
  const outcomes = JSON.parse(output.toString()) as { holds: boolean; error?: string }[];
  return outcomes.map(({ holds, error = '' }) => ({ says: error === '' ? String(holds) : 'error', error }));
}

function inTheController(expression: string): string {
  const program = compile(expression);
  const result = program.ok ? program.value.evaluateBoolean() : program;
  return result.ok ? String(result.value) : 'error';
}

function expressionsOf(suite: IncrementalTestSuite): string[] {
  return [...suite.suites.flatMap(expressionsOf), ...suite.tests.map(({ original }) => original.expr)];
}

/** What cel-go says of an expression without evaluating it. */
const beforeEvaluation = /found no matching overload|undeclared reference|expected type/;

const guards = [
  "'main' == 'main'",
  "'release-1.2'.startsWith('release-') && '1.2'.matches('^[0-9.]+$')",
  "'a' in ['a', 'b'] || 'x'.contains('y')",
  "size('é日😀') == 3 && 'abc'.size() == 3",
  "int('42') > 41 && double('1.5') < 2.0 && string(1) == '1'",
  "{'a': 1}['a'] == 1 && has({'a': 1}.a)",
  '[1, 2, 3].all(x, x > 0) ? true : false',
  "timestamp('2026-01-01T00:00:00Z').getFullYear() == 2026",
  "duration('1h') == duration('60m')",
  "'' == ''",
  'true && false',
  '!true',
  '1',
  "'text'",
  '1 +',
  'foo',
  "'a' +",
  '1 / 0 == 1',
  "'$(params.a)' == 'b' // a comment",
];

describe('cel-go and src/cel', { timeout: 120_000 }, () => {
  it('judge guards alike', () => {
    const pod = inThePod(guards);
    expect(guards.map((guard) => `${guard}: ${inTheController(guard)}`)).toEqual(
      guards.map((guard, index) => `${guard}: ${pod[index]?.says}`),
    );
  });

  it("differ over the conformance data only where cel-go's types or the library's grammar decide", () => {
    const all = [...new Set(expressionsOf(getConformanceSuite()))];
    const pod = inThePod(all);
    const pairs = all.map((expression, index) => ({
      expression,
      pod: pod[index] ?? { says: '', error: '' },
      controller: inTheController(expression),
    }));
    const differing = pairs.filter(({ pod: { says }, controller }) => says !== controller);
    expect(differing.filter(({ pod: { says }, controller }) => says !== 'error' && controller !== 'error')).toEqual([]);
    // Such a guard ends the run with a condition; nobody has field names in backquotes in one.
    const onlyInThePod = differing.filter(({ pod: { says } }) => says !== 'error');
    expect(onlyInThePod.filter(({ expression }) => !expression.includes('`'))).toEqual([]);
    const onlyInTheController = differing.filter(({ pod: { says } }) => says === 'error');
    expect(onlyInTheController.filter(({ pod: { error } }) => !beforeEvaluation.test(error))).toEqual([]);
  });
});
