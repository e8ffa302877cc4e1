import { expect, it } from 'vitest';
import { commaList } from './comma-list.ts';

it.each([
  ['nothing', '', []],
  ['spaces alone', ' , ', []],
  ['one', 'a', ['a']],
  ['several, with spaces around and within', ' a ,b c,, d', ['a', 'b c', 'd']],
])('a list of %s', (_name, text, items) => {
  expect(commaList(text)).toEqual(items);
});
