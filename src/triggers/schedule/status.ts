import type { Condition } from '../../api/meta.ts';
import type { ScheduleStatus, Trigger, TriggerStatus } from '../../api/triggers/objects.ts';
import type { TriggerSchedule } from '../../api/triggers/schedule.ts';
import { nextFiring } from '../../api/cron.ts';
import { timestamp, withCondition } from '../../core/condition.ts';
import type { TriggerOutcome } from '../sink/trigger.ts';

/** What came of a time. */
export type FiringResult = Pick<TriggerOutcome, 'outcome' | 'message' | 'created'> | { outcome: 'missed' };

const longestMessage = 1_024;
const mostNames = 20;

/** The status of a Trigger whose schedule begins at `now`. */
export function begunStatus({ status }: Trigger, wanted: TriggerSchedule, now: Date): TriggerStatus {
  const { lastScheduleTime, lastOutcome, lastMessage, lastCreated } = status?.schedule ?? {};
  const kept = { lastScheduleTime, lastOutcome, lastMessage, lastCreated };
  const schedule = { ...definition(wanted), since: timestamp(now), ...known(kept), ...next(wanted, now) };
  return { ...status, schedule, conditions: conditions(status, wanted, now) };
}

/** The status after a time was dealt with. */
export function firedStatus(
  { status }: Trigger,
  wanted: TriggerSchedule,
  { due, result, now }: { due: Date; result: FiringResult; now: Date },
): TriggerStatus {
  const message = 'message' in result ? result.message?.slice(0, longestMessage) : undefined;
  const created = 'created' in result ? (result.created ?? []) : [];
  const lastCreated = created.slice(0, mostNames).map(({ kind, name }) => `${kind} ${name}`);
  const last = {
    lastScheduleTime: timestamp(due),
    lastOutcome: result.outcome,
    lastMessage: message,
    lastCreated: lastCreated.length > 0 ? lastCreated : undefined,
  };
  const since = status?.schedule?.since ?? timestamp(due);
  const schedule = { ...definition(wanted), since, ...known(last), ...next(wanted, now) };
  return { ...status, schedule, conditions: conditions(status, wanted, now) };
}

/** The status of a Trigger whose schedule is kept as it was: it may say that nobody does. */
export function keptStatus({ status }: Trigger, wanted: TriggerSchedule, now: Date): TriggerStatus {
  return { ...status, conditions: conditions(status, wanted, now) };
}

/** All conditions, and the one that tells of the schedule. Whoever may write a status may write anything into it. */
export function conditionsOf(status: TriggerStatus | undefined): {
  conditions: Condition[];
  said: Condition | undefined;
} {
  const all = Array.isArray(status?.conditions) ? status.conditions : [];
  return { conditions: all, said: all.find((condition) => condition?.type === 'Scheduled') };
}

/** Whether a status says that the schedule is kept, or suspended. */
export function saysKept(status: TriggerStatus | undefined, { isSuspended }: TriggerSchedule): boolean {
  return conditionsOf(status).said?.reason === (isSuspended ? 'Suspended' : 'Scheduled');
}

/** Whether a status says why the schedule cannot be kept. */
export function saysInvalid(status: TriggerStatus | undefined, problems: readonly string[]): boolean {
  const { said } = conditionsOf(status);
  return said?.reason === 'InvalidSchedule' && said.message === problems.join('; ');
}

/** The status of a Trigger whose schedule cannot be kept; what it was is forgotten. */
export function invalidStatus({ status }: Trigger, problems: readonly string[], now: Date): TriggerStatus {
  const message = problems.join('; ');
  const condition = { type: 'Scheduled', status: 'False', reason: 'InvalidSchedule', message } as const;
  const { schedule: _forgotten, ...others } = status ?? {};
  return { ...others, conditions: withCondition(status?.conditions, condition, now) };
}

function definition({ schedule, timeZone, isSuspended }: TriggerSchedule): ScheduleStatus {
  return { schedule, timeZone, ...(isSuspended ? { suspended: true } : {}) };
}

function next(wanted: TriggerSchedule, now: Date): Pick<ScheduleStatus, 'nextScheduleTime'> {
  const time = wanted.isSuspended ? undefined : nextFiring(wanted.schedule, now, wanted.timeZone);
  return time === undefined ? {} : { nextScheduleTime: timestamp(time) };
}

function conditions(status: TriggerStatus | undefined, { isSuspended }: TriggerSchedule, now: Date) {
  const condition = isSuspended
    ? ({ status: 'False', reason: 'Suspended', message: 'triggers.tektite.dev/suspend is "true"' } as const)
    : ({ status: 'True', reason: 'Scheduled', message: 'The schedule is kept' } as const);
  return withCondition(status?.conditions, { type: 'Scheduled', ...condition }, now);
}

function known<T extends object>(fields: T): Partial<{ [K in keyof T]: NonNullable<T[K]> }> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: NonNullable<T[K]>;
  }>;
}
