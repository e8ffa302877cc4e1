import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldsOf, lineOfRow, rowCount, rowOfLine } from './folds.ts';

describe('folded groups', () => {
  it('leave their first line', () => {
    const folds = foldsOf([{ start: 2, end: 5 }, { start: 8 }], new Set([2, 8]), 11);
    expect(folds).toEqual([
      { from: 3, count: 3 },
      { from: 9, count: 2 },
    ]);
    expect(Array.from({ length: rowCount(folds, 11) }, (_, row) => lineOfRow(folds, row))).toEqual([0, 1, 2, 6, 7, 8]);
    expect([2, 4, 5, 6, 10].map((line) => rowOfLine(folds, line))).toEqual([2, 2, 2, 3, 5]);
  });

  it('rows and lines lead to each other', () => {
    const group = fc.record({ gap: fc.nat(5), length: fc.integer({ min: 1, max: 6 }), isFolded: fc.boolean() });
    fc.assert(
      fc.property(fc.array(group, { maxLength: 8 }), (parts) => {
        let at = 0;
        const groups = parts.map(({ gap, length }) => {
          const start = at + gap;
          at = start + length + 1;
          return { start, end: start + length };
        });
        const folded = new Set(groups.filter((_, index) => parts[index]?.isFolded).map(({ start }) => start));
        const lines = at + 3;
        const folds = foldsOf(groups, folded, lines);
        const shown = Array.from({ length: rowCount(folds, lines) }, (_, row) => lineOfRow(folds, row));
        expect(shown).toEqual(shown.toSorted((left, right) => left - right));
        expect(shown.every((line) => line < lines)).toBe(true);
        expect(shown.map((line) => rowOfLine(folds, line))).toEqual(shown.map((_, row) => row));
      }),
    );
  });
});
