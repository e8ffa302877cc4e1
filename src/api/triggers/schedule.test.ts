import { describe, expect, it } from 'vitest';
import { readSchedule, scheduleAnnotations, validateNoSchedule, validateSchedule } from './schedule.ts';

type Given = Partial<Record<keyof typeof scheduleAnnotations, string>>;
const annotations = (given: Given) =>
  Object.fromEntries(
    Object.entries(given).map(([key, value]) => [scheduleAnnotations[key as keyof typeof scheduleAnnotations], value]),
  );

describe('readSchedule', () => {
  it.each<[string, Given, object]>([
    ['nothing', {}, { kind: 'none' }],
    [
      'a schedule alone: in UTC, and made up for however late',
      { schedule: '0 2 * * *' },
      { kind: 'schedule', schedule: { schedule: '0 2 * * *', timeZone: 'Etc/UTC', isSuspended: false } },
    ],
    [
      'all of it',
      { schedule: ' @daily ', timeZone: 'Europe/Berlin', deadline: '10m', suspend: 'true' },
      {
        kind: 'schedule',
        schedule: { schedule: '@daily', timeZone: 'Europe/Berlin', deadlineMs: 600_000, isSuspended: true },
      },
    ],
  ])('reads %s', (_name, given, wanted) => expect(readSchedule(annotations(given))).toEqual(wanted));

  it.each<[string, Given, string]>([
    [
      'no schedule',
      { schedule: 'often' },
      'invalid: triggers.tektite.dev/schedule is "often": it has not five fields; give five fields, such as "0 2 * * MON-FRI", or @daily',
    ],
    ['seconds', { schedule: '0 * * * * *' }, 'it has not five fields'],
    ['a day that never comes', { schedule: '0 0 31 2 *' }, 'it names a day that never comes'],
    ['a minute that is none', { schedule: '60 * * * *' }, 'triggers.tektite.dev/schedule is "60 * * * *": '],
    ['a megabyte', { schedule: '1,'.repeat(500_000) }, 'it has not five fields'],
    [
      'no zone',
      { schedule: '@daily', timeZone: 'Mars/Base' },
      'triggers.tektite.dev/time-zone is "Mars/Base"; give a name such as Europe/Berlin',
    ],
    [
      'a short deadline',
      { schedule: '@daily', deadline: '1s' },
      'triggers.tektite.dev/starting-deadline is "1s"; give a duration of 30s or more, such as 10m',
    ],
    ['no deadline', { schedule: '@daily', deadline: 'soon' }, 'starting-deadline is "soon"'],
    [
      'a word for true',
      { schedule: '@daily', suspend: 'yes' },
      'triggers.tektite.dev/suspend is "yes"; give true or false',
    ],
    [
      'a zone for nothing',
      { timeZone: 'Etc/UTC' },
      'triggers.tektite.dev/schedule is missing: the other annotations say how it is kept',
    ],
  ])('refuses %s', (_name, given, message) => {
    const [error, ...others] = validateSchedule(annotations(given));
    expect([`invalid: ${error?.message}`, error?.path, others]).toEqual([
      expect.stringContaining(message),
      'metadata.annotations',
      [],
    ]);
    expect(error?.message.length).toBeLessThan(400);
  });

  it('is not for listeners', () => {
    expect(validateNoSchedule({ other: 'x' })).toEqual([]);
    expect(validateNoSchedule(annotations({ schedule: '@daily' }))).toEqual([
      {
        path: 'metadata.annotations',
        message: 'triggers.tektite.dev/schedule is for a Trigger: annotate one, and have the listener refer to it',
      },
    ]);
  });
});
