import { describe, expect, it } from 'vitest';
import { definedOnly, optional } from './optional.ts';

describe('optional', () => {
  it.each<[string, unknown, object]>([
    ['a value', 'x', { key: 'x' }],
    ['none', undefined, {}],
    ['values that are no more than empty', '', { key: '' }],
    ['null, which says something on the wire', null, { key: null }],
    ['zero', 0, { key: 0 }],
  ])('%s', (_name, value, wanted) => expect(optional('key', value)).toStrictEqual(wanted));
});

describe('definedOnly', () => {
  it('leaves out what is undefined, and nothing else, and keeps the order', () => {
    const left = definedOnly({ d: 1, a: undefined, c: null, b: { inner: undefined } });
    expect(left).toStrictEqual({ d: 1, c: null, b: { inner: undefined } });
    expect(Object.keys(left)).toEqual(['d', 'c', 'b']);
  });
});
