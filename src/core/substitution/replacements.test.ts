import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import {
  mergeReplacements,
  replaceArray,
  replaceDeep,
  replaceParamValue,
  replaceString,
  Replacements,
  stringReplacements,
} from './replacements.ts';

const r = Replacements.ofValues(
  new Map([
    [
      'params',
      new Map<string, ParamValue>([
        ['a', 'A'],
        ['dollar', '$(params.a)'],
        ['empty', ''],
        ['list', ['one', 'two']],
        ['none', []],
        ['obj', { key: 'value' }],
      ]),
    ],
  ]),
);

describe('replaceString', () => {
  it.each([
    ['plain text', 'x', 'x'],
    ['one reference', '$(params.a)', 'A'],
    ['bracket spelling', "-$(params['a'])-", '-A-'],
    ['twice', '$(params.a)$(params.a)', 'AA'],
    ['empty value', '[$(params.empty)]', '[]'],
    ['values are not replaced again', '$(params.dollar)', '$(params.a)'],
    ['inner of a shell expression', '$(echo $(params.a))', '$(echo A)'],
    ['unknown stays', '$(params.b) $(date)', '$(params.b) $(date)'],
    ['an array in a string stays', '$(params.list[*])', '$(params.list[*])'],
    ['array element', '$(params.list[1])', 'two'],
    ['object key', '$(params.obj.key)', 'value'],
    ['unfinished', '$(params.a', '$(params.a'],
  ])('%s', (_name, text, expected) => expect(replaceString(text, r)).toBe(expected));

  it('never changes text without references', () => {
    fc.assert(
      fc.property(
        fc.string().filter((s) => !s.includes('$(')),
        (text) => {
          expect(replaceString(text, r)).toBe(text);
        },
      ),
    );
  });

  it('inserts any value literally, also $& and the like', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (before, value, after) => {
        const plain = [before, after].map((s) => s.replaceAll('$', '').replaceAll('(', ''));
        expect(replaceString(`${plain[0]}$(x)${plain[1]}`, stringReplacements({ x: value }))).toBe(
          `${plain[0]}${value}${plain[1]}`,
        );
      }),
    );
  });
});

describe('replaceArray', () => {
  it.each([
    ['strings only', ['a', '$(params.a)'], ['a', 'A']],
    ['star expands in place', ['x', '$(params.list[*])', 'y'], ['x', 'one', 'two', 'y']],
    ['whole name expands too', ['$(params.list)'], ['one', 'two']],
    ['an empty array leaves nothing', ['$(params.none[*])', 'y'], ['y']],
    ['not isolated stays', ['a-$(params.list[*])'], ['a-$(params.list[*])']],
  ])('%s', (_name, list, expected) => expect(replaceArray(list, r)).toEqual(expected));
});

describe('replaceParamValue', () => {
  it.each([
    ['string', 'x$(params.a)', 'xA'],
    ['whole array', '$(params.list[*])', ['one', 'two']],
    ['whole object', '$(params.obj[*])', { key: 'value' }],
    ['array items', ['$(params.a)', '$(params.list[*])'], ['A', 'one', 'two']],
    ['object values', { k: '$(params.a)' }, { k: 'A' }],
  ])('%s', (_name, value, expected) => expect(replaceParamValue(value, r)).toEqual(expected));
});

describe('replaceDeep', () => {
  it('reaches every string and expands lists', () => {
    const tree = {
      image: '$(params.a)',
      args: ['$(params.list[*])'],
      env: [{ name: 'E', value: '$(params.obj.key)' }],
      port: 80,
      on: true,
      none: null,
    };
    expect(replaceDeep(tree, r)).toEqual({
      image: 'A',
      args: ['one', 'two'],
      env: [{ name: 'E', value: 'value' }],
      port: 80,
      on: true,
      none: null,
    });
  });

  it('gives back the same object when nothing changed', () => {
    const tree = { a: ['x', { b: 'y' }], c: 1 };
    expect(replaceDeep(tree, r)).toBe(tree);
  });

  it('leaves the input alone', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (tree) => {
        const before = JSON.stringify(tree);
        replaceDeep(tree, r);
        expect(JSON.stringify(tree)).toBe(before);
      }),
    );
  });
});

it('mergeReplacements lets the later win', () => {
  const merged = mergeReplacements(stringReplacements({ a: '1', b: '1' }), stringReplacements({ b: '2' }));
  expect(['a', 'b', 'c'].map((name) => merged.text(name))).toEqual(['1', '2', undefined]);
});
