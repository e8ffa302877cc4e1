import { describe, expect, it } from 'vitest';
import type { Param } from '../../api/pipeline/v1/params.ts';
import { hashedName, requestName } from './name.ts';

const params: Param[] = [
  { name: 'string-param', value: 'value1' },
  { name: 'array-param', value: ['value1', 'value2'] },
  { name: 'object-param', value: { key: 'value' } },
];

describe('the name of a ResolutionRequest', () => {
  // From upstream's tests of GenerateDeterministicName.
  it.each<[what: string, prefix: string, base: string, params: Param[], name: string]>([
    ['a prefix', 'prefix', '', [], 'prefix-6c62272e07bb014262b821756295c58d'],
    ['a base', '', 'base', [], '-6989337ae0757277b806e97e86444ef0'],
    ['params', '', '', params, '-52921b17d3c2930a34419c618d6af0e9'],
    ['params in another order', '', '', params.toReversed(), '-52921b17d3c2930a34419c618d6af0e9'],
    ['all of them', 'prefix', 'base', params, 'prefix-ba2f256f318de7f4154da577c283cb9e'],
    [
      'a prefix that is too long',
      'a'.repeat(31),
      'default/my-taskrun',
      [],
      `${'a'.repeat(30)}-2d162955e9c9fcfef736fd389e7fd796`,
    ],
  ])("of %s is upstream's", (_what, prefix, base, given, name) => {
    expect(hashedName(prefix, base, given)).toBe(name);
  });

  it('differs with the run, the params and the address', () => {
    const identity = { resolver: 'git', namespace: 'team', name: 'run', params };
    const names = [
      identity,
      { ...identity, namespace: 'other' },
      { ...identity, name: 'other' },
      { ...identity, params: [] },
      { ...identity, url: 'https://example.com' },
    ].map(requestName);
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^git-[0-9a-f]{32}$/.test(name))).toBe(true);
  });
});
