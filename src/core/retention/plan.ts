import { nextFiring } from '../../api/cron.ts';
import type { PrunedKind } from '../../api/config/config-pruner.ts';
import { isSuccessful } from '../condition.ts';
import { levelOf, limitOf, parentNameOf, type FoundLimit, type LimitMaps } from './limits.ts';
import {
  byAge,
  endOf,
  protectionOf,
  prunerAnnotations,
  type FinishedRun,
  type Protection,
  type ProtectionRules,
} from './run.ts';
import type { SchedulePolicy } from './schedule.ts';

/** Everything that is known about a namespace when it is pruned. */
export interface PruneFacts {
  namespace: string;
  runs: readonly FinishedRun[];
  maps: LimitMaps;
  /** `firing`: the time for which the schedule is to be held; undefined: none yet. */
  scheduled?: { policy: SchedulePolicy; firing: Date | undefined } | undefined;
  rules: ProtectionRules;
  now: Date;
}

/** Why a run is to go. */
export type PruneReason =
  | { kind: 'ttl'; seconds: number; source: string }
  | { kind: 'history'; limit: number; outcome: Outcome; source: string }
  | { kind: 'keep'; runs: number; firing: Date }
  | { kind: 'since'; minutes: number; firing: Date };
type Outcome = 'successful' | 'failed';

export interface Doomed {
  run: FinishedRun;
  reason: PruneReason;
}
/** A run that is to go and must stay for now. */
export interface Held extends Doomed {
  protection: Protection;
}
export interface PrunePlan {
  /** Oldest first. */
  doomed: Doomed[];
  held: Held[];
  /** When time alone changes something, in milliseconds. */
  nextMs?: number;
  /** What runs say about themselves and cannot be. */
  problems: { run: FinishedRun; message: string }[];
}

/**
 * Which finished runs of a namespace go now, and why. A run that is protected counts as kept: of each group the newest
 * N stay, and behind them what must not go yet.
 */
export function planPruning(facts: PruneFacts): PrunePlan {
  const { now, rules } = facts;
  const problems: PrunePlan['problems'] = [];
  const waits: number[] = [];
  const candidates = facts.runs.filter((run) => isCandidate(protectionOf(run, rules, now)));
  const reasons = new Map<FinishedRun, PruneReason>();
  for (const { run, reason } of [
    ...expired(candidates, facts, { waits, problems }),
    ...beyondHistory(candidates, facts),
    ...scheduled(candidates, facts),
  ])
    if (!reasons.has(run)) reasons.set(run, reason);
  const doomed: Doomed[] = [];
  const held: Held[] = [];
  for (const [run, reason] of [...reasons].sort(([a], [b]) => byAge(a, b)).reverse()) {
    const protection = protectionOf(run, rules, now);
    if (protection === undefined) doomed.push({ run, reason });
    else held.push({ run, reason, protection });
    if (protection?.kind === 'unsigned') waits.push(protection.ms);
  }
  const firing = facts.scheduled && nextFiring(facts.scheduled.policy.schedule, now);
  if (firing) waits.push(firing.getTime() - now.getTime());
  return { doomed, held, problems, ...(waits.length > 0 ? { nextMs: Math.min(...waits) } : {}) };
}

/** Finished runs of their own that are not on their way out: those that limits count. */
function isCandidate(protection: Protection | undefined): boolean {
  switch (protection?.kind) {
    case undefined:
    case 'chains':
    case 'unsigned':
    case 'finalizer':
      return true;
    case 'running':
    case 'child':
    case 'deleting':
      return false;
    default: {
      const never: never = protection;
      return never;
    }
  }
}

function expired(
  runs: readonly FinishedRun[],
  facts: PruneFacts,
  told: { waits: number[]; problems: PrunePlan['problems'] },
): Doomed[] {
  return runs.flatMap((run) => {
    const limit = ttlOf(run, facts, told.problems);
    const end = endOf(run);
    if (limit === undefined || end === undefined) return [];
    const left = end + limit.value * 1_000 - facts.now.getTime();
    if (left <= 0) return [{ run, reason: { kind: 'ttl', seconds: limit.value, source: limit.source } }];
    told.waits.push(left);
    return [];
  });
}

/** Where the operator lets resources speak for themselves, a run's annotation comes first; -1 is never. */
function ttlOf(
  run: FinishedRun,
  { namespace, maps }: PruneFacts,
  problems: PrunePlan['problems'],
): Pick<FoundLimit, 'value' | 'source'> | undefined {
  const own = run.metadata.annotations?.[prunerAnnotations.ttl];
  const isConfigured = maps.global !== undefined;
  if (own === undefined || !isConfigured || levelOf(namespace, maps) !== 'resource')
    return limitOf('ttlSecondsAfterFinished', run, maps);
  if (own === '-1') return undefined;
  if (/^\d{1,9}$/.test(own)) return { value: Number(own), source: `annotation ${prunerAnnotations.ttl}` };
  const shown = JSON.stringify(own.slice(0, 64));
  const message = `${prunerAnnotations.ttl} is ${shown}; use seconds, or -1 for never: until then no time limit deletes the run`;
  problems.push({ run, message });
  return undefined;
}

function beyondHistory(runs: readonly FinishedRun[], { maps }: PruneFacts): Doomed[] {
  const groups = new Map<string, { limit: FoundLimit; outcome: Outcome; runs: FinishedRun[] }>();
  for (const run of runs) {
    const outcome = isSuccessful(run.status) ? 'successful' : 'failed';
    const limit = limitOf(`${outcome}HistoryLimit`, run, maps);
    if (limit === undefined) continue;
    const key = `${run.kind} ${outcome} ${limit.group}`;
    const group = groups.get(key) ?? { limit, outcome, runs: [] };
    groups.set(key, group);
    group.runs.push(run);
  }
  return [...groups.values()].flatMap(({ limit, outcome, runs: group }) =>
    group
      .sort(byAge)
      .slice(limit.value)
      .map((run) => ({ run, reason: { kind: 'history', limit: limit.value, outcome, source: limit.source } as const })),
  );
}

/**
 * What a firing of the schedule deletes follows from the runs that had ended by then: whoever takes over half way, or
 * begins anew, comes to the same end.
 */
function scheduled(runs: readonly FinishedRun[], { scheduled: given }: PruneFacts): Doomed[] {
  const { policy, firing } = given ?? {};
  if (policy === undefined || firing === undefined) return [];
  const ended = runs.filter(
    (run) => policy.resources.includes(run.kind) && (endOf(run) ?? Number.POSITIVE_INFINITY) <= firing.getTime(),
  );
  const { kept } = policy;
  if (kept.kind === 'since') {
    const before = firing.getTime() - kept.minutes * 60_000;
    return ended
      .filter((run) => (endOf(run) ?? 0) < before)
      .map((run) => ({ run, reason: { kind: 'since', minutes: kept.minutes, firing } }));
  }
  const groups = Map.groupBy(ended, (run) => groupOf(run, policy.perResource));
  return [...groups.values()].flatMap((group) =>
    group
      .sort(byAge)
      .slice(kept.runs)
      .map((run) => ({ run, reason: { kind: 'keep', runs: kept.runs, firing } as const })),
  );
}

/** Runs without a Pipeline or Task of their own are a group too. */
function groupOf(run: FinishedRun, perResource: boolean): string {
  return perResource ? `${run.kind} ${parentNameOf(run)}` : run.kind;
}

const titles: Readonly<Record<PrunedKind, string>> = { pipelinerun: 'PipelineRun', taskrun: 'TaskRun' };
export function titleOf(kind: PrunedKind): string {
  return titles[kind];
}

/** For people: "it ended more than 60 s ago (ns-config)". */
export function reasonText(reason: PruneReason): string {
  switch (reason.kind) {
    case 'ttl':
      return `it ended more than ${reason.seconds} s ago (${reason.source})`;
    case 'history':
      return `${reason.limit} newer ${reason.outcome} runs are kept (${reason.source})`;
    case 'keep':
      return `${reason.runs} newer runs are kept (schedule of ${reason.firing.toISOString()})`;
    case 'since':
      return `it ended more than ${reason.minutes} minutes before ${reason.firing.toISOString()} (schedule)`;
    default: {
      const never: never = reason;
      return never;
    }
  }
}

/** For people: why a run stays, and who lets go of it. */
export function protectionText(protection: Protection): string {
  switch (protection.kind) {
    case 'running':
      return 'it has not ended';
    case 'child':
      return `it goes with ${protection.owner}`;
    case 'deleting':
      return 'it is being deleted';
    case 'chains':
      return `Chains holds it until it is signed (${protection.finalizer}); where Chains was taken away, run: tektite chains release`;
    case 'unsigned':
      return `Chains may still sign it, for ${Math.ceil(protection.ms / 1_000)} s more (wait-for-signature)`;
    case 'finalizer':
      return `finalizer ${protection.finalizer} holds it; name it in finalizers-on-deletion if its owner waits for the deletion`;
    default: {
      const never: never = protection;
      return never;
    }
  }
}
