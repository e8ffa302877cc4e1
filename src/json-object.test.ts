import { expect, it } from 'vitest';
import { fieldsOf, isJsonObject } from './json-object.ts';

it.each<[string, unknown, boolean]>([
  ['an object', { a: 1 }, true],
  ['an empty object', {}, true],
  ['a list', [{ a: 1 }], false],
  ['null', null, false],
  ['nothing', undefined, false],
  ['a text', 'a', false],
  ['a number', 1, false],
])('%s', (_name, json, isObject) => {
  expect(isJsonObject(json)).toBe(isObject);
  expect(fieldsOf(json)).toEqual(isObject ? json : {});
});
