import { Cron } from 'croner';
import { messageOf } from '../errors.ts';

/** Longer texts are not read: tenants write them. */
const longestSchedule = 256;
/** Finding out that a schedule never comes takes a tenth of a second: it is done once for each. */
const known = new Map<string, { fault: string | undefined }>();
const mostKnown = 1_000;
/** A leap year, for the schedule of its last day of February. */
const someDay = new Date('2024-01-01T00:00:00Z');
const utc = 'Etc/UTC';

/** What is wrong with a schedule of five fields, or `@daily` and its like; undefined: nothing. */
export function scheduleFault(schedule: string): string | undefined {
  const before = known.get(schedule);
  if (before) return before.fault;
  const fault = faultOf(schedule);
  if (known.size >= mostKnown) known.clear();
  known.set(schedule, { fault });
  return fault;
}

function faultOf(schedule: string): string | undefined {
  // A second field or a time zone, that cron jobs of a cluster do not have, would be read another way.
  if (schedule.length > longestSchedule || !/^(@[a-z]+|\S+( +\S+){4})$/.test(schedule)) return 'it has not five fields';
  try {
    return cron(schedule, utc).nextRun(someDay) ? undefined : 'it names a day that never comes';
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether a name is one of the IANA time zone database: `Europe/Berlin`, `Etc/UTC`. */
export function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 know no summer time: who writes one means a zone.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * The latest time that is not after `now`; undefined when there is none after `since`. A time that clocks skip comes
 * when they go on; one that they show twice comes at the first.
 */
export function lastFiring(schedule: string, since: Date, now: Date, timeZone = utc): Date | undefined {
  // The library's "before" leaves out the moment itself.
  const [last] = cron(schedule, timeZone).previousRuns(1, new Date(now.getTime() + 1_000));
  return last && last > since && last <= now ? last : undefined;
}

/** The first time after `now`; undefined when there is none. */
export function nextFiring(schedule: string, now: Date, timeZone = utc): Date | undefined {
  return cron(schedule, timeZone).nextRun(now) ?? undefined;
}

/** Day of month and day of week: either will do when both are given, as in every cron. */
function cron(schedule: string, timezone: string): Cron {
  return new Cron(schedule, { paused: true, timezone, mode: '5-part' });
}
