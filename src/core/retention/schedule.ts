import { prunedKinds, type PrunedKind, type PrunerConfig } from '../../api/config/config-pruner.ts';
import { scheduleFault } from '../../api/cron.ts';

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
  // Nothing kept is not "delete everything": the operator of Tekton passes such a namespace over.
  return schedule === '' || amountOf(policy.kept) === 0 ? { kind: 'none' } : { kind: 'policy', policy };
}

function amountOf(kept: SchedulePolicy['kept']): number {
  return kept.kind === 'keep' ? kept.runs : kept.minutes;
}

function keptOf(defaults: Defaults, given: Given): SchedulePolicy['kept'] {
  const strategy = given.word('strategy', ['keep', 'keep-since']);
  const own = { keep: given.integer('keep'), since: given.integer('keep-since') };
  const keep = own.keep ?? defaults.keep;
  const since = own.since ?? defaults.keepSinceMinutes;
  const problem = strategy === undefined ? ambiguity(own.keep, own.since) : missingNumber(strategy, keep, since);
  if (problem !== undefined) given.problems.push(problem);
  const chosen = strategy ?? strategyOf(own.keep, own.since) ?? strategyOfOperator(defaults);
  return chosen === 'keep-since' ? { kind: 'since', minutes: since ?? 0 } : { kind: 'keep', runs: keep ?? 0 };
}

function strategyOfOperator({ keepSinceMinutes }: Defaults): 'keep' | 'keep-since' {
  return keepSinceMinutes === undefined ? 'keep' : 'keep-since';
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
