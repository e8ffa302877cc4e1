import { describe, expect, test } from 'vitest';
import {
  disallowedField,
  each,
  fieldError,
  formatFieldErrors,
  invalidKeyName,
  invalidValue,
  missingField,
  missingOneOf,
  multipleOneOf,
  outOfBounds,
  via,
  type FieldError,
} from './fielderror.ts';

describe('texts', () => {
  const rows: { name: string; errors: FieldError[]; want: string }[] = [
    { name: 'none', errors: [], want: '' },
    { name: 'missing', errors: missingField('b', 'a'), want: 'missing field(s): a, b' },
    { name: 'disallowed', errors: disallowedField('a'), want: 'must not set the field(s): a' },
    { name: 'invalid', errors: invalidValue(7, 'a'), want: 'invalid value: 7: a' },
    { name: 'neither', errors: missingOneOf('a', 'b'), want: 'expected exactly one, got neither: a, b' },
    { name: 'both', errors: multipleOneOf('a', 'b'), want: 'expected exactly one, got both: a, b' },
    { name: 'bounds', errors: outOfBounds(9, 0, 5, 'a'), want: 'expected 0 <= 9 <= 5: a' },
    {
      name: 'details on their own line',
      errors: invalidKeyName('_', 'a', 'why'),
      want: 'invalid key name "_": a\nwhy',
    },
    {
      name: 'the same message shares a line, lines are sorted',
      errors: [...fieldError('z', 'b'), ...fieldError('m', 'x'), ...fieldError('z', 'a'), ...fieldError('z', 'a')],
      want: 'm: x\nz: a, b',
    },
    {
      name: 'other details, other line',
      errors: [...fieldError('m', 'a', 'one'), ...fieldError('m', 'b', 'two')],
      want: 'm: a\none\nm: b\ntwo',
    },
  ];
  test.each(rows)('$name', ({ errors, want }) => expect(formatFieldErrors(errors)).toBe(want));
});

describe('paths', () => {
  const rows: { parent: string; child: string; want: string }[] = [
    { parent: 'spec', child: 'name', want: 'spec.name' },
    { parent: 'spec', child: '', want: 'spec' },
    { parent: '', child: 'name', want: 'name' },
    { parent: 'steps', child: '[0].name', want: 'steps[0].name' },
  ];
  test.each(rows)('$parent + $child', ({ parent, child, want }) =>
    expect(via(parent, fieldError('m', child))[0]?.path).toBe(want),
  );
  test('of lists', () => {
    expect(
      each('items', ['ok', 'bad'], (item) => (item === 'bad' ? fieldError('m', 'name') : [])).map(({ path }) => path),
    ).toEqual(['items[1].name']);
    expect(each('items', undefined, () => fieldError('m'))).toEqual([]);
  });
});
