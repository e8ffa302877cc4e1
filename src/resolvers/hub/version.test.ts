import { describe, expect, it } from 'vitest';
import { parseConstraint, parseVersion } from './version.ts';

describe('versions as hashicorp/go-version writes them', () => {
  it.each([
    ['0.9', '0.9.0'],
    ['v1', '1.0.0'],
    ['1.2.3.4', '1.2.3.4'],
    ['1.0-beta', '1.0.0-beta'],
    ['latest', undefined],
    ['', undefined],
    ['1'.repeat(300), undefined],
  ])('%s: %s', (text, written) => {
    expect(parseVersion(text)?.text).toBe(written);
  });
});

describe('constraints', () => {
  it.each<[constraint: string, fits: string[], not: string[]]>([
    ['0.9', ['0.9', '0.9.0'], ['0.9.1', '0.8']],
    ['= 0.9', ['0.9'], ['1.0']],
    ['!= 0.9', ['0.8', '1.0'], ['0.9.0']],
    ['>= 0.4, < 1', ['0.4', '0.9.9'], ['0.3', '1.0', '0.5.0-beta']],
    ['> 0.4', ['0.4.1', '1'], ['0.4']],
    ['>=0.4,<1', ['0.4', '0.9.9'], ['0.3', '1.0']],
    ['<=0.4', ['0.4', '0.1'], ['0.5']],
    ['<= 0.4', ['0.4', '0.1'], ['0.5']],
    ['~> 0.6', ['0.6', '0.9'], ['0.5', '1.0']],
    ['~> 0.6.1', ['0.6.1', '0.6.9'], ['0.6.0', '0.7']],
    ['~> 1', ['1.0', '2.5'], ['0.9']],
    ['> 1.0.0-alpha', ['1.0.0', '1.0.0-beta'], ['1.0.0-alpha', '2.0.0-beta']],
  ])('%s', (text, fits, not) => {
    const constraint = parseConstraint(text);
    const check = (version: string) => constraint?.(parseVersion(version) ?? expect.fail(version));
    expect(fits.filter((version) => !check(version))).toEqual([]);
    expect(not.filter(check)).toEqual([]);
  });

  it.each(['latest', '> ', '>> 1', '1 2', ''])('%j is none', (text) => {
    expect(parseConstraint(text)).toBeUndefined();
  });
});
