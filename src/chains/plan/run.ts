import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { isDone } from '../../core/condition.ts';
import { ownManagedBy } from '../../core/labels.ts';
import { annotations, finalizers, isChainsFinalizer, type RunKind } from '../annotations.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { markOf, type Mark } from './mark.ts';
import type { Seal } from './seal.ts';

/** The part of a run that decides what is done with it; caches hold no more than this. */
export type RunState = Pick<TaskRun | PipelineRun, 'apiVersion' | 'kind' | 'metadata'> & {
  spec?: { managedBy?: string | undefined };
  status?: Pick<NonNullable<PipelineRun['status']>, 'conditions' | 'completionTime' | 'childReferences'>;
};

export interface RunFacts {
  kind: RunKind;
  run: RunState;
  /** For a TaskRun: the PipelineRun it belongs to, if it still exists. */
  parent?: RunState | undefined;
  /** For a PipelineRun: its TaskRuns that still exist. */
  children: readonly RunState[];
  /** For a PipelineRun: the PipelineRuns within it that still exist. */
  nested?: readonly RunState[];
  config: ChainsConfig;
  seal: Seal;
  now: Date;
}

export type RunDecision =
  /** Nothing to do until the run changes. */
  | { kind: 'leave' }
  /** Nothing to do before this time is over. */
  | { kind: 'later'; ms: number }
  /** Keep the run from being deleted before it is signed. */
  | { kind: 'protect' }
  /** Let go of the run: Chains has no more to do with it. */
  | { kind: 'release' }
  /** What it made comes first; each wakes it. `ms`: when to look again although none did. */
  | { kind: 'wait'; for: string; ms?: number }
  /** `attempt` counts from 1. */
  | { kind: 'sign'; attempt: number };

/**
 * A run is protected once it is this old: earlier its controller is writing its first status, and would lose that write
 * to ours. A run that ends sooner is signed at its end, which needs no protection.
 */
export const PROTECT_AFTER_MS = 2_000;
/** A child that does not end although its PipelineRun did is waited for this long, and a nested PipelineRun at most. */
const UNFINISHED_CHILD_MS = 600_000;

/** Longer than any pause between two attempts: a mark that says more is from a clock that was wrong. */
const LONGEST_PAUSE_MS = 600_000;

/** What is to be done with a run now. */
export function planRun(facts: RunFacts): RunDecision {
  const { kind, run, config, seal } = facts;
  if (!isManaged(run, config)) return { kind: 'leave' };
  if (isSigned(run, seal) || isOptedOut(run, facts.parent, config)) return released(run);
  if (!isDone(run.status)) return planUnfinished(facts);
  const mark = markOf(run.metadata, seal);
  const early = pauseLeft(mark, facts.now);
  if (early > 0) return { kind: 'later', ms: early };
  const awaited = kind === 'pipelinerun' ? awaitedChild(facts) : undefined;
  return awaited ?? { kind: 'sign', attempt: mark.kind === 'again' ? mark.attempts + 1 : 1 };
}

/** How long to wait for the next attempt, ms; 0: not at all. */
function pauseLeft(mark: Mark, now: Date): number {
  const left = mark.kind === 'again' ? mark.next.getTime() - now.getTime() : 0;
  return left > 0 && left <= LONGEST_PAUSE_MS ? left : 0;
}

/**
 * Whether Chains has come to an end with this run. Users write annotations too: only the mark says so, except on runs
 * that ended before there were marks. Who takes `signed` away wants it signed again.
 */
export function isSigned(run: RunState, seal: Seal): boolean {
  const value = run.metadata.annotations?.[annotations.signed];
  if (value !== 'true' && value !== 'failed') return false;
  return concludes(markOf(run.metadata, seal), value) || endedBefore(run, seal.since);
}

function concludes(mark: Mark, value: 'true' | 'failed'): boolean {
  return mark.kind === (value === 'true' ? 'signed' : 'failed');
}

/** By the status, which users cannot write. */
function endedBefore({ status }: RunState, time: Date): boolean {
  const ended = isDone(status) ? Date.parse(status?.completionTime ?? '') : Number.NaN;
  return ended < time.getTime();
}

/** filter.managed-by: runs of other controllers are signed when the operator lists them. */
export function isManaged(run: RunState, config: Pick<ChainsConfig, 'managedBy'>): boolean {
  const managedBy = run.spec?.managedBy ?? '';
  return managedBy === '' || managedBy === ownManagedBy || config.managedBy.includes(managedBy);
}

/**
 * A PipelineRun's "false" holds for its TaskRuns too (annotations of Chains are not passed on to them), unless they say
 * otherwise; operators may forbid it (artifacts.opt-out).
 */
export function isOptedOut(
  run: RunState,
  parent: RunState | undefined,
  { trust }: Pick<ChainsConfig, 'trust'>,
): boolean {
  if (trust.optOut === 'forbid') return false;
  const own = run.metadata.annotations?.[annotations.sign];
  return (own ?? parent?.metadata.annotations?.[annotations.sign]) === 'false';
}

/** The finalizers of Chains on this run. */
export function chainsFinalizers(run: Pick<RunState, 'metadata'>): string[] {
  return (run.metadata.finalizers ?? []).filter(isChainsFinalizer);
}

function released(run: RunState): RunDecision {
  return chainsFinalizers(run).length > 0 ? { kind: 'release' } : { kind: 'leave' };
}

function planUnfinished({ kind, run, config, now }: RunFacts): RunDecision {
  // Upstream too lets a run go that is deleted before its end: there is nothing to attest.
  if (run.metadata.deletionTimestamp || !producesAnything(kind, config)) return released(run);
  if (run.metadata.finalizers?.includes(finalizers[kind])) return { kind: 'leave' };
  const age = now.getTime() - Date.parse(run.metadata.creationTimestamp ?? now.toISOString());
  return age < PROTECT_AFTER_MS ? { kind: 'later', ms: PROTECT_AFTER_MS - age } : { kind: 'protect' };
}

function producesAnything(kind: RunKind, config: ChainsConfig): boolean {
  return config[kind].enabled || config.oci.enabled;
}

/** The first child that must be looked after before its PipelineRun; pruned ones and custom runs are not awaited. */
function awaitedChild(facts: RunFacts): RunDecision | undefined {
  const { run, now } = facts;
  const left = Date.parse(run.status?.completionTime ?? now.toISOString()) + UNFINISHED_CHILD_MS - now.getTime();
  return awaitedTaskRun(facts, left) ?? awaitedNested(facts, left);
}

type SigningRules = Pick<RunFacts, 'config' | 'seal'>;

function isAwaited(child: RunState, parent: RunState | undefined, { config, seal }: SigningRules): boolean {
  return !isSigned(child, seal) && !isOptedOut(child, parent, config) && isManaged(child, config);
}

/** `left`: how long unfinished children are still waited for, ms. */
function awaitedTaskRun(facts: RunFacts, left: number): RunDecision | undefined {
  for (const child of facts.children) {
    if (!isAwaited(child, facts.run, facts)) continue;
    const name = child.metadata.name ?? '';
    if (isDone(child.status)) return { kind: 'wait', for: name };
    if (left > 0) return { kind: 'wait', for: name, ms: left };
  }
  return undefined;
}

/** Never without end: two that say they are within each other must not hold each other for ever. */
function awaitedNested(facts: RunFacts, left: number): RunDecision | undefined {
  const { nested = [] } = facts;
  const inner = left > 0 ? nested.find((one) => isAwaited(one, undefined, facts)) : undefined;
  return inner && { kind: 'wait', for: inner.metadata.name ?? '', ms: left };
}

/** Names of the runs of one of Tekton's kinds among a PipelineRun's children. */
export function childrenOfKind(run: RunState, wanted: 'TaskRun' | 'PipelineRun'): string[] {
  return (run.status?.childReferences ?? []).flatMap(({ kind, apiVersion, name }) => {
    const isWanted = kind === wanted && (apiVersion === undefined || apiVersion.startsWith('tekton.dev/'));
    return isWanted && name ? [name] : [];
  });
}
