import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameJson } from './same-json.ts';

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe('values that are the same as JSON', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['nothing', undefined, undefined, true],
    ['null', null, null, true],
    ['null and nothing', null, undefined, false],
    ['a text and the same', 'a', 'a', true],
    ['a text and its number', '1', 1, false],
    ['objects', { a: 1, b: [1, { c: 'd' }] }, { a: 1, b: [1, { c: 'd' }] }, true],
    ['fields in another order', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['a field without a value', { a: 1, b: undefined }, { a: 1 }, true],
    ['on the other side', { a: 1 }, { a: 1, b: undefined }, true],
    ['on each side another', { a: undefined }, { b: undefined }, true],
    ['a field that is null', { a: 1, b: null }, { a: 1 }, false],
    ['a field more', { a: 1, b: 2 }, { a: 1 }, false],
    ['a field less', { a: 1 }, { a: 1, b: 2 }, false],
    ['another value deep inside', { a: [{ b: 1 }] }, { a: [{ b: 2 }] }, false],
    ['items in another order', [1, 2], [2, 1], false],
    ['an item more', [1], [1, 2], false],
    ['an item without a value and null', [undefined], [null], true],
    ['an empty list and an empty object', [], {}, false],
    ['an empty object and an empty list', {}, [], false],
    ['an object and null', {}, null, false],
    ['a field that all objects inherit', { constructor: 1 }, {}, false],
    ['and on the other side', {}, { toString: 'x' }, false],
    ['as deep as may be', nested(200), nested(200), true],
    ['deeper', nested(202), nested(202), false],
  ])('%s', (_name, left, right, expected) => {
    expect(isSameJson(left, right)).toBe(expected);
    expect(isSameJson(right, left)).toBe(expected);
  });

  it('is what comparing their JSON says', () => {
    const values = fc.object({ maxDepth: 3, maxKeys: 4, values: [fc.string(), fc.integer(), fc.constant(undefined)] });
    const written = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
    fc.assert(
      fc.property(values, values, (left, right) => {
        expect(isSameJson(left, written(left))).toBe(isDeepStrictEqual(written(left), written(left)));
        expect(isSameJson(left, right)).toBe(isDeepStrictEqual(written(left), written(right)));
      }),
    );
  });
});
