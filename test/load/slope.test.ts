import { describe, expect, it } from 'vitest';
import { judge, slopeAfterFirstQuarter, type Sample } from './slope.ts';

const samples = (hours: number, megabytes: (hour: number) => number, count = 121): Sample[] =>
  Array.from({ length: count }, (_, i) => {
    const hour = (hours * i) / (count - 1);
    return { hours: hour, megabytes: megabytes(hour) };
  });
/** The same for every run: up and down by the given megabytes. */
const noise = (size: number) => (hour: number) => size * Math.sin(hour * 5_000);

describe('the slope of a soak', () => {
  it('leaves out the first quarter, when caches fill', () => {
    const { megabytesPerHour, error } = slopeAfterFirstQuarter(
      samples(1, (hour) => (hour < 0.25 ? 400 * hour : 100 + 3 * (hour - 0.25))),
    );
    expect(megabytesPerHour).toBeCloseTo(3);
    expect(error).toBeCloseTo(0);
  });

  it.each<[string, Sample[], string]>([
    ['a level heap with little noise', samples(1, (hour) => 100 + noise(0.2)(hour)), 'holds'],
    ['a heap that grows by 5 MB/h', samples(1, (hour) => 100 + 5 * hour + noise(0.2)(hour)), 'grows'],
    ['a minute of a level heap', samples(1 / 60, (hour) => 100 + noise(2)(hour * 60)), 'too short to tell'],
    ['a minute of a heap that grows by 10 MB in it', samples(1 / 60, (hour) => 100 + 600 * hour), 'grows'],
  ])('%s', (_name, given, verdict) => {
    expect(judge(slopeAfterFirstQuarter(given), 1)).toBe(verdict);
  });

  it('cannot be taken from two samples', () => {
    expect(() => slopeAfterFirstQuarter(samples(1, () => 1, 2))).toThrow('too few');
  });
});
