import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignColumns } from './columns.ts';

describe('alignColumns', () => {
  it.each([
    ['cells of a column share its width', 'a\tbb\tc\naaaa\tb\tc\n', 'a      bb   c\naaaa   b    c\n'],
    ['a line without the column ends it', 'a\tb\n\nlonger\tb\n', 'a   b\n\nlonger   b\n'],
    [
      'what follows the last tab is not padded',
      'a\tb\nlong text without a tab\na\tb\n',
      'a   b\nlong text without a tab\na   b\n',
    ],
    [
      'an inner column is apart from its neighbours of other blocks',
      'x\ta\t1\nx\tlonger\nx\tb\t2\n',
      'x   a   1\nx   longer\nx   b   2\n',
    ],
    ['an empty cell is as wide as its column', 'name\tpath\tend\nn\t\tend\n', 'name   path   end\nn             end\n'],
    ['characters count, not bytes', 'é\tx\nab\tx\n', 'é    x\nab   x\n'],
    ['nothing', '', ''],
  ])('%s', (_name, text, expected) => {
    expect(alignColumns(text)).toBe(expected);
  });

  it('changes nothing but tabs, and starts a column at one place within a block', () => {
    const cell = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.array(cell, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
        (columns, rows) => {
          const cells = rows.map((row) => row.slice(0, columns + 1));
          const lines = alignColumns(cells.map((row) => row.join('\t')).join('\n')).split('\n');
          expect(lines.map((line) => line.split(/ +/))).toEqual(cells);
          for (let column = 1; column <= columns; column++) {
            expect(
              new Set(lines.map((line) => line.match(new RegExp(`^(?:\\S+ +){${column}}`))?.[0].length)).size,
            ).toBe(1);
          }
        },
      ),
    );
  });
});
