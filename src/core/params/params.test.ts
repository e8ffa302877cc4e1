import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toParamValue, type Param, type ParamSpec } from '../../api/pipeline/v1/params.ts';
import { replaceString } from '../substitution/replacements.ts';
import { checkArrayIndexes, checkEnums, checkParams } from './check.ts';
import { effectiveParams, paramReplacements } from './replacements.ts';
import { typeOfSpec } from './value.ts';

describe('toParamValue', () => {
  it.each([
    ['text', 'a', 'a'],
    ['number', 1, '1'],
    ['boolean', true, 'true'],
    ['null', null, ''],
    ['list', ['a'], ['a']],
    ['map', { a: 'b' }, { a: 'b' }],
    ['mixed list', ['a', 1], '["a",1]'],
    ['nested map', { a: { b: 'c' } }, '{"a":{"b":"c"}}'],
    ['empty list', [], []],
  ])('%s', (_name, json, expected) => expect(toParamValue(json)).toEqual(expected));
});

it.each<[string, ParamSpec, string]>([
  ['declared', { name: 'a', type: 'array' }, 'array'],
  ['from properties', { name: 'a', properties: { k: {} } }, 'object'],
  ['from the default', { name: 'a', default: ['x'] }, 'array'],
  ['string otherwise', { name: 'a' }, 'string'],
])('typeOfSpec: %s', (_name, spec, type) => expect(typeOfSpec(spec)).toBe(type));

describe('paramReplacements', () => {
  const specs: ParamSpec[] = [
    { name: 'text', type: 'string', default: 'fallback' },
    { name: 'list', type: 'array' },
    { name: 'obj', type: 'object', properties: { a: {}, b: {} }, default: { a: 'A', b: 'B' } },
    { name: 'dotted.name', type: 'string' },
    { name: 'derived', default: '$(params.text)-$(params["list"][0])-$(params.obj.a)' },
  ];
  const given: Param[] = [
    { name: 'list', value: ['x', 'y'] },
    { name: 'obj', value: { a: 'given' } },
    { name: 'dotted.name', value: 'd' },
    { name: 'extra', value: 'e' },
  ];
  const r = paramReplacements(specs, given);

  it.each([
    ['$(params.text)', 'fallback'],
    ["$(params['text'])", 'fallback'],
    ['$(params["text"])', 'fallback'],
    ['$(params.list[0])', 'x'],
    ["$(params['list'][1])", 'y'],
    ['$(params.list[2])', '$(params.list[2])'],
    ['$(params.obj.a)', 'given'],
    ['$(params.obj.b)', 'B'],
    ["$(params['obj'].b)", 'B'],
    ["$(params['dotted.name'])", 'd'],
    ['$(params.extra)', 'e'],
    ['$(params.derived)', 'fallback-x-given'],
  ])('%s is %s', (text, expected) => expect(replaceString(text, r)).toBe(expected));

  it('has arrays and objects whole', () => {
    expect(r.whole('params.list')).toEqual(['x', 'y']);
    expect(r.whole("params['obj']")).toEqual({ a: 'given', b: 'B' });
  });

  it('serves other prefixes', () =>
    expect(paramReplacements([], [{ name: 'a', value: '1' }], 'tt.params').text('tt.params.a')).toBe('1'));

  it('ends on defaults that refer to each other', () => {
    const circle = effectiveParams(
      [
        { name: 'a', default: '$(params.b)' },
        { name: 'b', default: '$(params.a)' },
      ],
      [],
    ).values;
    expect(circle.get('a')).toMatch(/^\$\(params\./);
  });

  it('does not let defaults that name each other grow without bound', () => {
    const doubling: ParamSpec[] = [
      { name: 'p0', default: 'xxxxxxxxxx' },
      ...Array.from({ length: 40 }, (_, index) => ({
        name: `p${index + 1}`,
        default: `$(params.p${index})$(params.p${index})`,
      })),
    ];
    const sizes = [...effectiveParams(doubling, []).values.values()].map((value) => String(value).length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000_000);
    expect(checkParams(doubling, [])?.message).toMatch(
      /^the defaults of these params grow beyond 1 MB when the params that they name are put in: \[p17 /,
    );
    expect(checkParams(doubling.slice(0, 17), [])).toBeUndefined();
  });

  it('never throws', () => {
    const name = fc.constantFrom('a', 'b', 'c.d');
    const value = fc.oneof(
      fc.constantFrom('$(params.a)', '$(params.b[*])', '$(params["c.d"])', 'x'),
      fc.array(fc.string()),
      fc.dictionary(fc.string(), fc.string()),
    );
    const spec = fc.record({ name, default: value }, { requiredKeys: ['name'] });
    fc.assert(
      fc.property(fc.array(spec), fc.array(fc.record({ name, value })), (someSpecs, someGiven) => {
        paramReplacements(someSpecs, someGiven);
        checkParams(someSpecs, someGiven);
      }),
    );
  });
});

describe('checkParams', () => {
  it.each<[string, ParamSpec[], Param[], string | undefined]>([
    ['fine', [{ name: 'a' }], [{ name: 'a', value: 'x' }], undefined],
    [
      'missing',
      [{ name: 'a' }, { name: 'b' }, { name: 'c', default: '' }],
      [],
      'missing values for these params which have no default values: [a b]',
    ],
    [
      'wrong type',
      [{ name: 'a', type: 'array' }],
      [{ name: 'a', value: 'x' }],
      "param types don't match the user-specified type: [a]",
    ],
    [
      'a reference may become an array',
      [{ name: 'a', type: 'array' }],
      [{ name: 'a', value: '$(tasks.t.results.r[*])' }],
      undefined,
    ],
    ['numbers are strings', [{ name: 'a', type: 'string' }], [{ name: 'a', value: 3 as unknown as string }], undefined],
    [
      'missing key',
      [{ name: 'o', type: 'object', properties: { k: {}, a: {}, z: {} }, default: { z: '' } }],
      [{ name: 'o', value: { k: 'v' } }],
      "missing keys for these params which are required in ParamSpec's properties map[o:[a]]",
    ],
    ['extra params are ignored', [], [{ name: 'a', value: 'x' }], undefined],
  ])('%s', (_name, specs, given, message) => expect(checkParams(specs, given)?.message).toBe(message));
});

it('checkArrayIndexes names what points past the end', () => {
  const specs: ParamSpec[] = [{ name: 'a', type: 'array', default: ['1', '2', '3'] }];
  const tree = { args: ['$(params.a[1])', "$(params['a'][7])", '$(params.a[3])', '$(params.other[9])'] };
  expect(checkArrayIndexes(specs, [], tree)?.message).toBe(
    "non-existent param references:[$(params.a[3]) $(params['a'][7])]",
  );
  expect(checkArrayIndexes(specs, [{ name: 'a', value: ['1'] }], { x: '$(params.a[1])' })?.names).toEqual([
    '$(params.a[1])',
  ]);
});

it('checkEnums', () => {
  const specs: ParamSpec[] = [{ name: 'a', enum: ['x', 'y'] }];
  expect(checkEnums(specs, [{ name: 'a', value: 'x' }])).toBeUndefined();
  expect(checkEnums(specs, [{ name: 'a', value: 'z' }])?.message).toBe('param `a` value: z is not in the enum list');
});
