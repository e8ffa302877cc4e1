import { Cron } from 'croner';
import { prunedKinds, type PrunedKind, type PrunerConfig } from '../../api/config/config-pruner.ts';
import { messageOf } from '../../errors.ts';

/** What is kept at each firing of a schedule. */
export interface SchedulePolicy {
  /** Cron with five fields, UTC; '' is never. */
  schedule: string;
  resources: readonly PrunedKind[];
  kept: { kind: 'keep'; runs: number } | { kind: 'since'; minutes: number };
  perResource: boolean;
}

/** What a namespace's annotations make of the operator's settings. With a problem nothing may be deleted by it. */
export type ReadPolicy = { kind: 'policy'; policy: SchedulePolicy } | { kind: 'none' } | InvalidPolicy;
export interface InvalidPolicy {
  kind: 'invalid';
  problems: string[];
}

export const namespacePrefix = 'operator.tekton.dev/prune.';
/** Tenants write these annotations. */
const LONGEST_VALUE = 256;
const LARGEST = 2 ** 31;

type Defaults = Pick<PrunerConfig, 'disabled' | 'schedule' | 'resources' | 'keep' | 'keepSinceMinutes' | 'perResource'>;

const aliases: Readonly<Record<string, PrunedKind>> = {
  pipelinerun: 'pipelinerun',
  pipelineruns: 'pipelinerun',
  pr: 'pipelinerun',
  taskrun: 'taskrun',
  taskruns: 'taskrun',
  tr: 'taskrun',
};

/** As the operator of Tekton reads them: in lower case, without spaces around. */
export function policyOf(defaults: Defaults, annotations: Readonly<Record<string, string>> | undefined): ReadPolicy {
  if (defaults.disabled) return { kind: 'none' };
  const given = new Given(annotations ?? {});
  if (given.boolean('skip') === true) return { kind: 'none' };
  const schedule = given.schedule('schedule') ?? defaults.schedule;
  const policy = {
    schedule,
    resources: given.resources('resources') ?? defaults.resources,
    kept: keptOf(defaults, given),
    perResource: given.boolean('prune-per-resource') ?? defaults.perResource,
  };
  if (given.problems.length > 0) return { kind: 'invalid', problems: given.problems };
  const amount = policy.kept.kind === 'keep' ? policy.kept.runs : policy.kept.minutes;
  // Nothing kept is not "delete everything": the operator of Tekton passes such a namespace over.
  return schedule === '' || amount === 0 ? { kind: 'none' } : { kind: 'policy', policy };
}

function keptOf(defaults: Defaults, given: Given): SchedulePolicy['kept'] {
  const strategy = given.word('strategy', ['keep', 'keep-since']);
  const keep = given.integer('keep');
  const since = given.integer('keep-since');
  const byNumber = (runs: number) => ({ kind: 'keep' as const, runs });
  const byTime = (minutes: number) => ({ kind: 'since' as const, minutes });
  const problem =
    strategy === undefined
      ? ambiguity(keep, since)
      : missingNumber(strategy, keep ?? defaults.keep, since ?? defaults.keepSinceMinutes);
  if (problem !== undefined) given.problems.push(problem);
  const chosen = strategy ?? strategyOf(keep, since);
  if (chosen === 'keep-since') return byTime(since ?? defaults.keepSinceMinutes ?? 0);
  if (chosen === 'keep') return byNumber(keep ?? defaults.keep ?? 0);
  return defaults.keepSinceMinutes === undefined ? byNumber(defaults.keep ?? 0) : byTime(defaults.keepSinceMinutes);
}

/** What a namespace that names no strategy means by its numbers. */
function strategyOf(keep: number | undefined, since: number | undefined): 'keep' | 'keep-since' | undefined {
  if (keep !== undefined) return 'keep';
  return since === undefined ? undefined : 'keep-since';
}

function ambiguity(keep: number | undefined, since: number | undefined): string | undefined {
  return keep !== undefined && since !== undefined
    ? `${namespacePrefix}keep and ${namespacePrefix}keep-since are both set: take one away, or say which in ${namespacePrefix}strategy`
    : undefined;
}

/** A strategy needs its number, of the namespace or of the operator. */
function missingNumber(
  strategy: 'keep' | 'keep-since',
  keep: number | undefined,
  since: number | undefined,
): string | undefined {
  if (strategy === 'keep' && keep === undefined)
    return `${namespacePrefix}strategy is "keep" and there is no number: set ${namespacePrefix}keep`;
  if (strategy === 'keep-since' && since === undefined)
    return `${namespacePrefix}strategy is "keep-since" and there are no minutes: set ${namespacePrefix}keep-since`;
  return undefined;
}

/** The annotations of a namespace, read with a memory for what is wrong. */
class Given {
  readonly problems: string[] = [];
  readonly #annotations: Readonly<Record<string, string>>;

  constructor(annotations: Readonly<Record<string, string>>) {
    this.#annotations = annotations;
  }

  boolean(name: string): boolean | undefined {
    const word = this.word(name, ['true', 'false']);
    return word === undefined ? undefined : word === 'true';
  }

  word<T extends string>(name: string, words: readonly T[]): T | undefined {
    const want = `use ${words.map((word) => JSON.stringify(word)).join(' or ')}`;
    return this.#read(name, want, (text) => words.find((word) => word === text));
  }

  integer(name: string): number | undefined {
    return this.#read(name, `use a whole number below ${LARGEST}`, (text) => {
      const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      return value < LARGEST ? value : undefined;
    });
  }

  resources(name: string): PrunedKind[] | undefined {
    return this.#read(name, 'use pipelinerun, taskrun or both with a comma', (text) => {
      const items = text.split(',').map((item) => aliases[item.trim()]);
      return items.includes(undefined) ? undefined : prunedKinds.filter((kind) => items.includes(kind));
    });
  }

  schedule(name: string): string | undefined {
    return this.#read(name, 'use a cron schedule with five fields, such as "0 8 * * *"', (text) =>
      scheduleFault(text) === undefined ? text : undefined,
    );
  }

  #read<T>(name: string, want: string, parse: (text: string) => T | undefined): T | undefined {
    const written = this.#annotations[namespacePrefix + name];
    if (written === undefined) return undefined;
    const value = written.length > LONGEST_VALUE ? undefined : parse(written.trim().toLowerCase());
    if (value === undefined)
      this.problems.push(`${namespacePrefix}${name} is ${JSON.stringify(written.slice(0, LONGEST_VALUE))}; ${want}`);
    return value;
  }
}

/** Finding out that a schedule never comes takes a tenth of a second: it is done once for each. */
const known = new Map<string, { fault: string | undefined }>();
const MOST_KNOWN = 1_000;
/** A leap year, for the schedule of its last day of February. */
const SOME_DAY = new Date('2024-01-01T00:00:00Z');

/** What is wrong with a schedule; undefined: nothing. */
export function scheduleFault(schedule: string): string | undefined {
  const before = known.get(schedule);
  if (before) return before.fault;
  const fault = faultOf(schedule);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(schedule, { fault });
  return fault;
}

function faultOf(schedule: string): string | undefined {
  // A second field or a time zone, that cron jobs of a cluster do not have, would be read another way.
  if (schedule.length > LONGEST_VALUE || !/^(@[a-z]+|\S+( +\S+){4})$/.test(schedule)) return 'it has not five fields';
  try {
    return cron(schedule).nextRun(SOME_DAY) ? undefined : 'it names a day that never comes';
  } catch (error) {
    return messageOf(error);
  }
}

/** The latest time that is not after `now`; undefined when there is none after `since`. */
export function lastFiring(schedule: string, since: Date, now: Date): Date | undefined {
  // The library's "before" leaves out the moment itself.
  const [last] = cron(schedule).previousRuns(1, new Date(now.getTime() + 1_000));
  return last && last > since && last <= now ? last : undefined;
}

export function nextFiring(schedule: string, now: Date): Date | undefined {
  return cron(schedule).nextRun(now) ?? undefined;
}

/** Day of month and day of week: either will do when both are given, as in every cron. */
function cron(schedule: string): Cron {
  return new Cron(schedule, { paused: true, timezone: 'Etc/UTC', mode: '5-part' });
}
