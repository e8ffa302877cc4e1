import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScheduleStatus } from '../../api/triggers/objects.ts';
import type { TriggerSchedule } from '../../api/triggers/schedule.ts';
import { planSchedule } from './plan.ts';
import { begunStatus, firedStatus } from './status.ts';

const nightly: TriggerSchedule = { schedule: '0 2 * * *', timeZone: 'Europe/Berlin', isSuspended: false };
const recorded: ScheduleStatus = { schedule: '0 2 * * *', timeZone: 'Europe/Berlin', since: '2026-06-01T10:00:00Z' };
const at = (text: string) => new Date(text);

describe('planSchedule', () => {
  it.each<[string, Partial<TriggerSchedule>, ScheduleStatus | undefined, now: string, object]>([
    ['a new schedule counts from now', {}, undefined, '2026-06-02T12:00:00Z', { kind: 'begin' }],
    ['another schedule', { schedule: '0 3 * * *' }, recorded, '2026-06-02T12:00:00Z', { kind: 'begin' }],
    ['another time zone', { timeZone: 'Etc/UTC' }, recorded, '2026-06-02T12:00:00Z', { kind: 'begin' }],
    ['a record without its beginning', {}, { ...recorded, since: 'soon' }, '2026-06-02T12:00:00Z', { kind: 'begin' }],
    [
      'nothing is due before its time',
      {},
      recorded,
      '2026-06-01T23:59:59Z',
      { kind: 'wait', next: at('2026-06-02T00:00:00Z') },
    ],
    ['its time', {}, recorded, '2026-06-02T00:00:00Z', { kind: 'fire', due: at('2026-06-02T00:00:00Z') }],
    [
      'of many times that were missed the latest is made up for',
      {},
      recorded,
      '2026-06-09T12:00:00Z',
      { kind: 'fire', due: at('2026-06-09T00:00:00Z') },
    ],
    [
      'a time that is over',
      {},
      { ...recorded, lastScheduleTime: '2026-06-02T00:00:00Z' },
      '2026-06-02T12:00:00Z',
      { kind: 'wait', next: at('2026-06-03T00:00:00Z') },
    ],
    [
      'in time for its deadline',
      { deadlineMs: 600_000 },
      recorded,
      '2026-06-02T00:10:00Z',
      { kind: 'fire', due: at('2026-06-02T00:00:00Z') },
    ],
    [
      'later than its deadline',
      { deadlineMs: 600_000 },
      recorded,
      '2026-06-02T00:10:01Z',
      { kind: 'miss', due: at('2026-06-02T00:00:00Z') },
    ],
    ['it was suspended just now', { isSuspended: true }, recorded, '2026-06-02T12:00:00Z', { kind: 'begin' }],
    [
      'it is suspended',
      { isSuspended: true },
      { ...recorded, suspended: true },
      '2026-06-02T12:00:00Z',
      { kind: 'wait', next: undefined },
    ],
    [
      'what came while it was suspended is over',
      {},
      { ...recorded, suspended: true },
      '2026-06-02T12:00:00Z',
      { kind: 'begin' },
    ],
  ])('%s', (_name, change, record, now, wanted) =>
    expect(planSchedule({ ...nightly, ...change }, record, at(now))).toEqual(wanted),
  );

  it('fires each time at most once and never before it, whenever it is asked', () => {
    const schedules = fc.constantFrom('0 2 * * *', '*/7 * * * *', '30 2 29 3 *', '@hourly', '0 0 * * MON');
    const zones = fc.constantFrom('Etc/UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata');
    const pauses = fc.array(fc.integer({ min: 1, max: 3 * 86_400_000 }), { maxLength: 40 });
    fc.assert(
      fc.property(schedules, zones, pauses, fc.option(fc.constant(600_000)), (schedule, timeZone, waits, deadline) => {
        const wanted = { schedule, timeZone, isSuspended: false, ...(deadline ? { deadlineMs: deadline } : {}) };
        let now = at('2026-03-27T00:00:00Z');
        const trigger = (status: object) => ({ metadata: {}, status });
        let status = begunStatus(trigger({}), wanted, now);
        const begun = now;
        const fired: number[] = [];
        for (const wait of waits) {
          now = new Date(now.getTime() + wait);
          const plan = planSchedule(wanted, status.schedule, now);
          if (plan.kind === 'begin') throw new Error('it began twice');
          if (plan.kind === 'wait') continue;
          expect(plan.due.getTime()).toBeGreaterThan(begun.getTime());
          expect(plan.due.getTime()).toBeLessThanOrEqual(now.getTime());
          expect(plan.due.getTime()).toBeGreaterThan(fired.at(-1) ?? 0);
          if (plan.kind === 'fire' && deadline)
            expect(now.getTime() - plan.due.getTime()).toBeLessThanOrEqual(deadline);
          fired.push(plan.due.getTime());
          const result = { outcome: plan.kind === 'fire' ? 'created' : 'missed' } as const;
          status = firedStatus(trigger(status), wanted, { due: plan.due, result, now });
          expect(planSchedule(wanted, status.schedule, now).kind).toBe('wait');
        }
      }),
    );
  });
});
