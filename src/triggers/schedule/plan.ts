import type { TriggerSchedule } from '../../api/triggers/schedule.ts';
import type { ScheduleStatus } from '../../api/triggers/objects.ts';
import { lastFiring, nextFiring } from '../../api/cron.ts';

/** What is to be done about a Trigger's schedule now. */
export type SchedulePlan =
  /** The schedule is new or another: its times count from now. */
  | { kind: 'begin' }
  | { kind: 'fire'; due: Date }
  /** The time is over by more than the deadline. */
  | { kind: 'miss'; due: Date }
  /** `next` is undefined where nothing comes. */
  | { kind: 'wait'; next: Date | undefined };

/**
 * Decides about the latest time that has come, alone: of several that were missed, the ones before it are not made up
 * for. A time is due once: what `recorded` says of the last one ends it.
 */
export function planSchedule(wanted: TriggerSchedule, recorded: ScheduleStatus | undefined, now: Date): SchedulePlan {
  const since = recordedSince(wanted, recorded);
  if (since === undefined) return { kind: 'begin' };
  if (wanted.isSuspended) return { kind: 'wait', next: undefined };
  const { schedule, timeZone, deadlineMs = Infinity } = wanted;
  const due = lastFiring(schedule, since, now, timeZone);
  if (due === undefined) return { kind: 'wait', next: nextFiring(schedule, now, timeZone) };
  return { kind: now.getTime() - due.getTime() > deadlineMs ? 'miss' : 'fire', due };
}

/** After which time a schedule's times are still open; undefined when what is recorded is of another schedule. */
function recordedSince(wanted: TriggerSchedule, recorded: ScheduleStatus | undefined): Date | undefined {
  if (recorded?.schedule !== wanted.schedule || recorded.timeZone !== wanted.timeZone) return undefined;
  // What came while it was suspended is not made up for.
  if ((recorded.suspended ?? false) !== wanted.isSuspended) return undefined;
  const since = Date.parse(recorded.since ?? '');
  if (Number.isNaN(since)) return undefined;
  const last = Date.parse(recorded.lastScheduleTime ?? '');
  return new Date(Number.isNaN(last) ? since : Math.max(since, last));
}
