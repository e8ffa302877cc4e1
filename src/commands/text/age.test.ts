import { describe, expect, it } from 'vitest';
import { age, duration, spanText } from './age.ts';

const now = new Date('2026-05-01T12:00:00Z');
const ago = (ms: number): string => new Date(now.getTime() - ms).toISOString();
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('age', () => {
  it.each([
    ['no time', undefined, '---'],
    ['this instant', ago(0), '0 seconds ago'],
    ['less than a second', ago(250), '250 milliseconds ago'],
    ['one second', ago(1_000), '1 second ago'],
    ['the largest unit only', ago(10 * MINUTE + 59_000), '10 minutes ago'],
    ['one hour', ago(90 * MINUTE), '1 hour ago'],
    ['days', ago(6 * DAY), '6 days ago'],
    ['weeks', ago(15 * DAY), '2 weeks ago'],
    ['a year', ago(400 * DAY), '1 year ago'],
    ['a clock that runs behind', ago(-5_000), '0 seconds ago'],
  ])('%s', (_name, time, expected) => {
    expect(age(time, now)).toBe(expected);
  });
});

describe('duration', () => {
  it.each([
    ['not started', undefined, undefined, '---'],
    ['still running', ago(MINUTE), undefined, '---'],
    ['done', ago(61 * MINUTE), ago(0), '1h1m0s'],
    ['at once', ago(0), ago(0), '0s'],
  ])('%s', (_name, start, end, expected) => {
    expect(duration(start, end)).toBe(expected);
  });
});

describe('spanText', () => {
  it.each([
    [0, '0 seconds'],
    [1_000, '1 second'],
    [90 * MINUTE, '1 hour 30 minutes'],
    [8 * DAY + 2_001, '1 week 1 day 2 seconds 1 millisecond'],
  ])('%i ms', (ms, expected) => {
    expect(spanText(ms)).toBe(expected);
  });
});
