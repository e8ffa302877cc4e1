import { describe, expect, it } from 'vitest';
import type { VerificationPolicy } from '../../api/resolution/verification-policy.ts';
import { bareAddress, matchingPolicies, patternFits } from './patterns.ts';

const address = 'https://git.example.com/catalog.git';

describe('a pattern', () => {
  it.each<[pattern: string, fits: boolean]>([
    [address, true],
    ['https://git.example.com/.*', true],
    ['.*', true],
    ['', false],
    // Only what fits the whole address counts.
    ['git.example.com', false],
    ['https://git.example.com/catalog', false],
    ['example.com/catalog.git', false],
    ['^https://git.example.com/catalog', false],
    ['example.com/catalog.git$', false],
    ['^https://git.example.com/catalog.git', true],
    ['https://git.example.com/catalog.git$', true],
    ['^https://git.example.com/catalog.git$', true],
    // An alternative cannot get round that, whichever anchors it has.
    ['other|https://git.example.com/catalog.git', true],
    ['other|https://git', false],
    ['https://git|other', false],
    ['^other|git', false],
    ['git|other$', false],
    // Upstream leaves one with both anchors as it is.
    ['^other|catalog.git$', true],
    ['^https|other$', true],
    // Signs that mean something are meant.
    ['https://git?example?com/catalog.git', false],
    ['https://git\\.example\\.com/catalog\\.git', true],
  ])('%j: %s', (pattern, fits) => expect(patternFits(pattern, address)).toBe(fits));

  // It would not end where expressions are tried out, as JavaScript does.
  it('that takes for ever elsewhere ends', () => expect(patternFits('(a+)+b', 'a'.repeat(5_000))).toBe(false));

  it('that is no expression is an error', () => expect(() => patternFits('(', address)).toThrow());
});

describe('the policies about an address', () => {
  const policy = (name: string, ...patterns: string[]): VerificationPolicy => ({
    apiVersion: 'tekton.dev/v1alpha1',
    kind: 'VerificationPolicy',
    metadata: { name },
    spec: { resources: patterns.map((pattern) => ({ pattern })), authorities: [] },
  });
  const all = [
    policy('one', 'https://git.example.com/.*'),
    policy('two', 'x', address),
    policy('three', 'x'),
    policy('none'),
  ];

  it.each<[uri: string, names: string[]]>([
    [address, ['one', 'two']],
    [`git+${address}`, ['one', 'two']],
    [` ${address} `, ['one', 'two']],
    ['git+git+https://git.example.com/a', []],
    ['x', ['two', 'three']],
    ['', []],
  ])('%j', (uri, names) => expect(matchingPolicies(uri, all).map(({ metadata }) => metadata.name)).toEqual(names));

  it('is without git+', () => expect(bareAddress(` git+${address}\n`)).toBe(address));
});
