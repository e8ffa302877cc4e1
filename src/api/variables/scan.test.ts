import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { eachReference, isolatedReference, references, referencesIn, textsIn } from './scan.ts';

describe('references', () => {
  it.each<[name: string, text: string, want: string[]]>([
    ['none', 'plain text', []],
    ['some, in their order', 'a $(b) $(c[0])', ['b', 'c[0]']],
    ['the same twice', '$(a)$(a)', ['a', 'a']],
    ['the inner one of two', '$($(d))', ['d']],
    ['that which a shell puts around one', '$(echo $(params.a))', ['params.a']],
    ['not what has parentheses inside', '$(a (b) c) $(d)', ['d']],
    ['not one that does not end', '$(a', []],
    ['an empty one', '$()', ['']],
    ['of an arithmetic expression nothing', '$((1 + 2))', []],
  ])('%s', (_name, text, want) => expect(references(text)).toEqual(want));

  it('are found, whatever stands around', () => {
    const plain = fc.stringMatching(/^[a-z $\n]*$/);
    const inner = fc.stringMatching(/^[a-zA-Z0-9.[\]'"*_-]+$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(plain, inner)), plain, (pairs, end) => {
        const text = pairs.map(([before, name]) => `${before}$(${name})`).join('') + end;
        expect(references(text)).toEqual(pairs.map(([, name]) => name));
      }),
    );
  });

  it('are what a regular expression finds, in any text, at their places', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '(', ')', 'a', '.', '[') });
    fc.assert(
      fc.property(text, (any) => {
        const found: [string, number, number][] = [];
        eachReference(any, (inner, start, end) => found.push([inner, start, end]));
        const wanted = [...any.matchAll(/\$\(([^()]*)\)/g)].map(({ 0: whole, 1: inner, index }) => [
          inner,
          index,
          index + whole.length,
        ]);
        expect(found).toEqual(wanted);
      }),
    );
  });

  it('are found in time that grows with the text', () => {
    // Each opening would look for its end anew.
    expect(references('$('.repeat(200_000))).toEqual([]);
  });
});

describe('a value that is nothing but a reference', () => {
  it.each<[value: unknown, want: string | undefined]>([
    ['$(params.a[*])', 'params.a[*]'],
    ['$()', ''],
    [' $(a)', undefined],
    ['$(a)$(b)', undefined],
    ['$(a (b))', undefined],
    ['(a)', undefined],
    [['$(a)'], undefined],
    [undefined, undefined],
  ])('%j', (value, want) => expect(isolatedReference(value)).toBe(want));
});

test('the strings of a tree, and what they refer to', () => {
  const tree = { a: 'x', b: ['$(y)', { c: '$(z) $(z)' }], '$(key)': 1, e: null };
  expect(textsIn(tree)).toEqual(['x', '$(y)', '$(z) $(z)']);
  expect(referencesIn(tree)).toEqual(['y', 'z', 'z']);
});
