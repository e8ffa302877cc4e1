import { describe, expect, it } from 'vitest';
import { failingCases, foundCases, missingCases } from './cases.fake.ts';
import { compileJsonPath, compileResults, JsonPathError } from './template.ts';

const strict = (template: string, value: unknown): string =>
  compileJsonPath(template, { allowMissingKeys: false })(value);

describe.each(foundCases)("client-go's cases: %s", (_name, input, rows) => {
  it.each(rows)('%s', (_row, template, expected) => expect(strict(template, input)).toBe(expected));
});

describe("client-go's cases with missing keys allowed", () => {
  it.each(missingCases)('%s', (_name, input, template, expected) => {
    expect(compileJsonPath(template)(input)).toBe(expected);
  });
});

describe("client-go's cases that fail", () => {
  it.each(failingCases)('%s', (_name, input, template, message) => {
    expect(() => compileResults(template, { allowMissingKeys: false })(input)).toThrow(new JsonPathError(message));
  });
});
