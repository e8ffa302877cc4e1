import { isCelError, isCelUint, run, type CelResult } from '@bufbuild/cel';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { describe, expect, it } from 'vitest';
import { compile } from './compile.ts';

/**
 * cel-spec's conformance data against compile(): all tests with a simple value, an error, and neither variables nor a
 * container. Suites of extensions that nothing here uses are left out whole.
 */
const leftOut = new Set([
  'bindings_ext',
  'block_ext',
  'encoders_ext',
  'macros2',
  'math_ext',
  'optionals',
  'string_ext',
]);

const RESERVED = [
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'namespace',
  'package',
  'return',
  'var',
  'void',
  'while',
];

/** Tests that fail, by the reason why; a test that is mended must leave the list. */
const known: Record<string, string[]> = {
  'names that stand for nothing are refused before evaluation, as cel-go does where it checks types': [
    'basic/variables/unbound_is_runtime_error',
    ...RESERVED.map((word) => `parse/receiver_function_names/${word}`),
  ],
  "the library's grammar has no field names in backquotes": [
    ...[
      'field_access_dash',
      'field_access_dot',
      'field_access_slash',
      'has_field_dash',
      'has_field_dot',
      'has_field_slash',
    ].map((name) => `fields/quoted_map_fields/${name}`),
  ],
  'the library does not take 0 and 0u as the same key': [
    'fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous',
  ],
  "messages of the test data's own are not known": [
    'parse/comments/new_line_terminated',
    ...['carriage_returns', 'new_lines', 'new_pages', 'spaces', 'tabs'].map((name) => `parse/whitespace/${name}`),
  ],
};

interface Case {
  name: string;
  test: IncrementalTest;
}

function casesOf(suite: IncrementalTestSuite, path: string): Case[] {
  return [
    ...suite.suites.flatMap((inner) => casesOf(inner, `${path}${inner.name}/`)),
    ...suite.tests.map((test) => ({ name: path + test.name, test })),
  ];
}

const isCovered = ({ test: { original } }: Case): boolean =>
  Object.keys(original.bindings).length === 0 &&
  original.typeEnv.length === 0 &&
  original.container === '' &&
  !original.checkOnly;

/** The expected outcome as text; undefined for values that are not simple. */
function wanted({ test: { original } }: Case): string | undefined {
  const { resultMatcher } = original;
  if (resultMatcher.case === 'evalError') return 'error';
  if (resultMatcher.case === undefined) return 'bool true';
  if (resultMatcher.case !== 'value') return undefined;
  const { kind } = resultMatcher.value;
  switch (kind.case) {
    case 'int64Value':
      return `int ${kind.value}`;
    case 'uint64Value':
      return `uint ${kind.value}`;
    case 'doubleValue':
      return `double ${kind.value}`;
    case 'stringValue':
      return `string ${kind.value}`;
    case 'boolValue':
      return `bool ${kind.value}`;
    case 'nullValue':
      return 'null';
    default:
      return undefined;
  }
}

function shown(value: CelResult): string {
  if (isCelError(value)) return 'error';
  if (isCelUint(value)) return `uint ${value.value}`;
  switch (typeof value) {
    case 'bigint':
      return `int ${value}`;
    case 'number':
      return `double ${value}`;
    case 'string':
      return `string ${value}`;
    case 'boolean':
      return `bool ${value}`;
    default:
      return value === null ? 'null' : 'other';
  }
}

function found(expression: string): string {
  const program = compile(expression);
  const result = program.ok ? program.value.evaluate() : program;
  return result.ok ? shown(result.value) : 'error';
}

const all = getConformanceSuite()
  .suites.filter(({ name }) => !leftOut.has(name))
  .flatMap((suite) => casesOf(suite, `${suite.name}/`))
  .filter(isCovered)
  .filter((one) => wanted(one) !== undefined);

describe("cel-spec's conformance data", { timeout: 120_000 }, () => {
  it('is there', () => expect(all.length).toBeGreaterThan(900));

  it('passes but for what is known', () => {
    const failed = all.filter((one) => found(one.test.original.expr) !== wanted(one)).map(({ name }) => name);
    expect(failed.sort()).toEqual(Object.values(known).flat().sort());
  });

  it('costs nothing of it: the library alone fails the same', () => {
    const failed = all.filter((one) => shown(run(one.test.original.expr)) !== wanted(one)).map(({ name }) => name);
    expect(failed.filter((name) => !Object.values(known).flat().includes(name))).toEqual([]);
  });
});
