import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['-0', 0],
    ['+5s', 5_000],
    ['1h', 3_600_000],
    ['1h0m0s', 3_600_000],
    ['1h30m', 5_400_000],
    ['60s', 60_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['5.s', 5_000],
    ['-1.5s', -1_500],
    ['100ms', 100],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['1μs', 0.001],
    ['1ns', 0.000001],
    ['1h1m1s1ms', 3_661_001],
    ['2562047h47m16.854775807s', 9223372036854.775807],
    ['1m1m', 120_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    ['', 'time: invalid duration ""'],
    ['3', 'time: missing unit in duration "3"'],
    ['1h3', 'time: missing unit in duration "1h3"'],
    ['-', 'time: invalid duration "-"'],
    ['s', 'time: invalid duration "s"'],
    ['.', 'time: invalid duration "."'],
    ['.s', 'time: invalid duration ".s"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1 h', 'time: unknown unit " h" in duration "1 h"'],
    ['1h ', 'time: unknown unit "h " in duration "1h "'],
    ['1e3s', 'time: unknown unit "e" in duration "1e3s"'],
    ['+-5s', 'time: invalid duration "+-5s"'],
    ['2562047h47m16.854775808s', 'time: invalid duration "2562047h47m16.854775808s"'],
    ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
  ])('%j is refused', (text, message) => expect(() => parseDuration(text)).toThrow(message));
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [3_600_000, '1h0m0s'],
    [5_400_000, '1h30m0s'],
    [60_000, '1m0s'],
    [1_500, '1.5s'],
    [90_500, '1m30.5s'],
    [100, '100ms'],
    [1.5, '1.5ms'],
    [0.001, '1µs'],
    [0.0015, '1.5µs'],
    [0.000001, '1ns'],
    [-1_000, '-1s'],
    [86_400_000, '24h0m0s'],
    [3_600_010, '1h0m0.01s'],
    [1_000.000001, '1.000000001s'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  test('refuses what is not finite', () => expect(() => formatDuration(Number.NaN)).toThrow('NaN'));

  test('whole milliseconds survive the way there and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8_000_000_000_000, max: 8_000_000_000_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
