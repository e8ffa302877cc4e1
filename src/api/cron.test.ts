import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTimeZone, lastFiring, nextFiring, scheduleFault } from './cron.ts';

describe('a schedule', () => {
  const time = (text: string) => new Date(`2026-01-0${text}:00Z`);
  it('fired last at the latest time that is over', () => {
    expect(lastFiring('0 8 * * *', time('1T00:00'), time('2T07:59'))).toEqual(time('1T08:00'));
    expect(lastFiring('0 8 * * *', time('1T00:00'), time('2T08:00'))).toEqual(time('2T08:00'));
  });
  it('never fired before it was there', () => {
    expect(lastFiring('0 8 * * *', time('1T08:00'), time('2T07:59'))).toBeUndefined();
  });
  it('fires next after now', () => expect(nextFiring('0 8 * * *', time('1T08:00'))).toEqual(time('2T08:00')));
  it.each(['@daily', '0 8 * * 1-5', '0 0 29 2 *'])('%s is one', (text) => expect(scheduleFault(text)).toBeUndefined());
});

describe('a schedule in a time zone', () => {
  it.each<[name: string, schedule: string, timeZone: string, from: string, wanted: string[]]>([
    ['of a day', '0 2 * * *', 'Asia/Tokyo', '2026-06-01T00:00:00Z', ['2026-06-01T17:00:00Z', '2026-06-02T17:00:00Z']],
    [
      'at an hour that summer time skips comes when clocks go on, once',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T02:00:00Z',
      ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ],
    [
      'at an hour that clocks show twice comes at the first, once',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T22:00:00Z',
      ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ],
    [
      'of each hour comes each hour, also where clocks go back',
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30:00Z',
      ['2026-10-25T00:00:00Z', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'],
    ],
    [
      'of a quarter of an hour comes each, also where clocks go forward',
      '*/15 * * * *',
      'America/New_York',
      '2026-03-08T06:31:00Z',
      ['2026-03-08T06:45:00Z', '2026-03-08T07:00:00Z', '2026-03-08T07:15:00Z'],
    ],
    [
      'whose clocks move by half an hour',
      '0 9 * * *',
      'Australia/Lord_Howe',
      '2026-04-03T23:00:00Z',
      ['2026-04-04T22:30:00Z', '2026-04-05T22:30:00Z'],
    ],
    ['by a name of a day', '0 0 * * MON', 'Etc/UTC', '2026-06-02T00:00:00Z', ['2026-06-08T00:00:00Z']],
    ['by names of months', '0 0 1 JAN,JUL *', 'Etc/UTC', '2026-01-02T00:00:00Z', ['2026-07-01T00:00:00Z']],
    ['on a Sunday that is 7', '0 0 * * 7', 'Etc/UTC', '2026-06-02T00:00:00Z', ['2026-06-07T00:00:00Z']],
    [
      'on a day of the month or of the week',
      '0 0 13 * FRI',
      'Etc/UTC',
      '2026-06-10T00:00:00Z',
      ['2026-06-12T00:00:00Z', '2026-06-13T00:00:00Z', '2026-06-19T00:00:00Z'],
    ],
    ['@daily', '@daily', 'America/New_York', '2026-06-01T00:00:00Z', ['2026-06-01T04:00:00Z']],
    ['@hourly', '@hourly', 'Asia/Kolkata', '2026-06-01T00:00:00Z', ['2026-06-01T00:30:00Z']],
    ['of a leap day', '0 0 29 2 *', 'Etc/UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00:00Z']],
  ])('%s', (_name, schedule, timeZone, from, wanted) => {
    let at = new Date(from);
    for (const each of wanted) {
      const next = nextFiring(schedule, at, timeZone);
      expect(next).toEqual(new Date(each));
      expect(lastFiring(schedule, at, new Date(each), timeZone)).toEqual(next);
      at = new Date(each);
    }
  });

  const field = (longest: number) =>
    fc.oneof(fc.constant('*'), fc.integer({ min: 0, max: longest }).map(String), fc.constantFrom('*/5', '*/7'));
  const anyTime = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });

  it('has the same times whether they are looked for before or after a moment', () => {
    const zones = fc.constantFrom('Etc/UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Chatham');
    fc.assert(
      fc.property(field(59), field(23), zones, anyTime, (minute, hour, timeZone, ms) => {
        const schedule = `${minute} ${hour} * * *`;
        const next = nextFiring(schedule, new Date(ms), timeZone);
        if (next === undefined) throw new Error('it never comes');
        expect(next.getTime()).toBeGreaterThan(ms);
        expect(lastFiring(schedule, new Date(ms), next, timeZone)).toEqual(next);
        expect(lastFiring(schedule, new Date(ms), new Date(next.getTime() - 1), timeZone)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe('isTimeZone', () => {
  it.each<[string, boolean]>([
    ['Europe/Berlin', true],
    ['Etc/UTC', true],
    ['America/Argentina/Buenos_Aires', true],
    ['Mars/Base', false],
    ['+02:00', false],
    ['', false],
    [`E${'x'.repeat(100_000)}`, false],
  ])('%.40s: %s', (name, wanted) => expect(isTimeZone(name)).toBe(wanted));
});
