import { DurationError, parseDuration } from '../../duration.ts';
import { isTimeZone, scheduleFault } from '../cron.ts';
import { fieldError, type FieldError } from '../fielderror.ts';

/** Annotations of a Trigger whose events are times. Upstream's CRD and tools keep them. */
export const scheduleAnnotations = {
  /** Cron with five fields. */
  schedule: 'triggers.tektite.dev/schedule',
  timeZone: 'triggers.tektite.dev/time-zone',
  /** How late a time may still be made up for. */
  deadline: 'triggers.tektite.dev/starting-deadline',
  suspend: 'triggers.tektite.dev/suspend',
} as const;

export interface TriggerSchedule {
  schedule: string;
  timeZone: string;
  /** Undefined: however late. */
  deadlineMs?: number;
  isSuspended: boolean;
}

export type ReadSchedule =
  | { kind: 'none' }
  | { kind: 'schedule'; schedule: TriggerSchedule }
  /** It starts nothing. */
  | { kind: 'invalid'; problems: string[] };

const defaultZone = 'Etc/UTC';
/** A sink looks at its schedules at least this often. */
const shortestDeadlineMs = 30_000;
const longestShown = 100;

type Annotations = Readonly<Record<string, string>> | undefined;

/** Whether a Trigger's events are times: then it takes no others, also where its schedule is wrong. */
export function isScheduled(annotations: Annotations): boolean {
  return Object.values(scheduleAnnotations).some((name) => annotations?.[name] !== undefined);
}

/** What a Trigger's annotations say of its times. */
export function readSchedule(annotations: Annotations): ReadSchedule {
  if (!isScheduled(annotations)) return { kind: 'none' };
  const given = givenBy(annotations);
  const problems = problemsOf(given, annotations);
  const { schedule, timeZone, deadlineMs, suspend } = given;
  if (schedule === undefined || problems.length > 0) return { kind: 'invalid', problems };
  const more = deadlineMs === undefined ? {} : { deadlineMs };
  return { kind: 'schedule', schedule: { schedule, timeZone, isSuspended: suspend === 'true', ...more } };
}

/** What annotations say, with the defaults of what they leave out. */
interface Given {
  schedule: string | undefined;
  timeZone: string;
  /** NaN for what is no deadline. */
  deadlineMs: number | undefined;
  suspend: string;
}

function givenBy(annotations: Annotations): Given {
  const given = (key: keyof typeof scheduleAnnotations) => annotations?.[scheduleAnnotations[key]]?.trim();
  return {
    schedule: given('schedule'),
    timeZone: given('timeZone') ?? defaultZone,
    deadlineMs: deadlineOf(given('deadline')),
    suspend: given('suspend') ?? 'false',
  };
}

function problemsOf({ schedule, timeZone, deadlineMs, suspend }: Given, annotations: Annotations): string[] {
  const problems: string[] = [];
  const wrong = (key: keyof typeof scheduleAnnotations, wayOut: string) => {
    const value = annotations?.[scheduleAnnotations[key]] ?? '';
    problems.push(`${scheduleAnnotations[key]} is ${JSON.stringify(value.slice(0, longestShown))}${wayOut}`);
  };
  const fault = schedule === undefined ? undefined : scheduleFault(schedule);
  if (schedule === undefined)
    problems.push(`${scheduleAnnotations.schedule} is missing: the other annotations say how it is kept`);
  if (fault !== undefined) wrong('schedule', `: ${fault}; give five fields, such as "0 2 * * MON-FRI", or @daily`);
  if (!isTimeZone(timeZone)) wrong('timeZone', '; give a name such as Europe/Berlin');
  if (Number.isNaN(deadlineMs)) wrong('deadline', '; give a duration of 30s or more, such as 10m');
  if (suspend !== 'true' && suspend !== 'false') wrong('suspend', '; give true or false');
  return problems;
}

/** NaN for what is no deadline. */
function deadlineOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    const ms = parseDuration(text);
    return ms >= shortestDeadlineMs ? ms : Number.NaN;
  } catch (error) {
    if (error instanceof DurationError) return Number.NaN;
    throw error;
  }
}

/** What admission says of a Trigger's schedule. */
export function validateSchedule(annotations: Annotations): FieldError[] {
  const read = readSchedule(annotations);
  return read.kind === 'invalid' ? read.problems.flatMap((each) => fieldError(each, 'metadata.annotations')) : [];
}

/** A listener has no times of its own: its Triggers have. */
export function validateNoSchedule(annotations: Annotations): FieldError[] {
  return Object.values(scheduleAnnotations)
    .filter((name) => annotations?.[name] !== undefined)
    .flatMap((name) =>
      fieldError(`${name} is for a Trigger: annotate one, and have the listener refer to it`, 'metadata.annotations'),
    );
}
