import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeParams, readParams, typedText, valueOf } from './params.ts';

const source = {
  title: 'Task build',
  specs: [
    { name: 'text' },
    { name: 'list', type: 'array' as const },
    { name: 'listed', default: ['a'] },
    { name: 'object', type: 'object' as const },
    { name: 'level', enum: ['debug', 'info'] },
  ],
};

describe('readParams', () => {
  it.each([
    ['a text, equals signs and commas included', ['text=a=b,c'], [{ name: 'text', value: 'a=b,c' }]],
    ['an empty text', ['text='], [{ name: 'text', value: '' }]],
    ['an array', ['list=one,two'], [{ name: 'list', value: ['one', 'two'] }]],
    ['an empty array', ['list='], [{ name: 'list', value: [] }]],
    ['an array by its default', ['listed=b'], [{ name: 'listed', value: ['b'] }]],
    ['an object', ['object=a:1, b : c:d'], [{ name: 'object', value: { a: '1', b: 'c:d' } }]],
    ['the last of several', ['text=a', 'text=b'], [{ name: 'text', value: 'b' }]],
    ['one of the allowed', ['level=info'], [{ name: 'level', value: 'info' }]],
  ])('reads %s', (_name, given, expected) => {
    expect(readParams(given, source)).toEqual(expected);
  });

  it.each([
    ['no value', 'text', 'invalid input format for param parameter: text: write --param name=value'],
    ['no name', '=x', 'invalid input format for param parameter: =x: write --param name=value'],
    [
      'an unknown name',
      'nope=1',
      "param 'nope' not present in spec: the params of Task build are text, list, listed, object, level",
    ],
    [
      'an object without keys',
      'object=a',
      'invalid input format for param parameter: object=a: an object is written --param object="key1:value1, key2:value2"',
    ],
    ['a value that is not allowed', 'level=loud', `param 'level' has the value "loud", which is none of: debug, info`],
  ])('refuses %s', (_name, given, message) => {
    expect(() => readParams([given], source)).toThrow(message);
  });

  it('reads back what typedText writes of an array or text', () => {
    const cell = fc.stringMatching(/^[^,]+$/);
    fc.assert(
      fc.property(fc.string(), fc.array(cell, { minLength: 1 }), (text, list) => {
        expect(valueOf({ name: 'text' }, typedText(text))).toBe(text);
        expect(valueOf({ name: 'list', type: 'array' }, typedText(list))).toEqual(list);
      }),
    );
  });
});

describe('mergeParams', () => {
  const earlier = [
    { name: 'b', value: '1' },
    { name: 'a', value: '2' },
  ];
  it.each([
    ['nothing new leaves the order', [], earlier],
    [
      'a new value takes the place of the old',
      [{ name: 'b', value: '3' }],
      [
        { name: 'a', value: '2' },
        { name: 'b', value: '3' },
      ],
    ],
  ])('%s', (_name, given, expected) => {
    expect(mergeParams(earlier, given)).toEqual(expected);
  });
});
