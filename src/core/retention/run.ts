import type { ObjectMeta } from '../../api/meta.ts';
import type { Condition } from '../../api/meta.ts';
import type { PrunedKind } from '../../api/config/config-pruner.ts';
import { isChainsFinalizer } from '../chains-finalizers.ts';
import { isDone } from '../condition.ts';
import { labels } from '../labels.ts';

/** A run as pruning sees it. */
export interface FinishedRun {
  kind: PrunedKind;
  metadata: ObjectMeta;
  status?: { conditions?: Condition[]; completionTime?: string | undefined } | undefined;
}

/** What tektoncd/pruner reads from runs. */
export const prunerAnnotations = {
  ttl: 'pruner.tekton.dev/ttlSecondsAfterFinished',
  resourceNameLabelKey: 'pruner.tekton.dev/resourceNameLabelKey',
} as const;

const chainsSigned = 'chains.tekton.dev/signed';
const resultsStored = 'results.tekton.dev/stored';
const resultsFinalizer = 'results.tekton.dev/';

/** What keeps a run from being deleted, whatever limits say. */
export type Protection =
  | { kind: 'running' }
  /** It goes with its owner. */
  | { kind: 'child'; owner: string }
  | { kind: 'deleting' }
  /** Chains still holds it. */
  | { kind: 'chains'; finalizer: string }
  /** Chains may not have seen it yet; over after `ms`. */
  | { kind: 'unsigned'; ms: number }
  /** Somebody else still holds it. */
  | { kind: 'finalizer'; finalizer: string };

export interface ProtectionRules {
  waitForSignatureMs: number;
  finalizersOnDeletion: readonly string[];
}

/** Why this run must stay; undefined: it may go. */
export function protectionOf(run: FinishedRun, rules: ProtectionRules, now: Date): Protection | undefined {
  const owner = ownerOf(run.metadata);
  if (run.metadata.deletionTimestamp) return { kind: 'deleting' };
  if (owner !== undefined) return { kind: 'child', owner };
  if (!isDone(run.status)) return { kind: 'running' };
  return heldBy(run.metadata, rules) ?? unsigned(run, rules, now);
}

/** The PipelineRun (or other object) that a run is part of. The label alone counts too, as upstream has it. */
export function ownerOf({ ownerReferences = [], labels: own = {} }: ObjectMeta): string | undefined {
  const owner = ownerReferences.find(({ kind, controller }) => controller === true || kind === 'PipelineRun');
  return owner ? `${owner.kind} ${owner.name}` : named(own[labels.pipelineRun]);
}

function named(pipelineRun: string | undefined): string | undefined {
  return pipelineRun ? `PipelineRun ${pipelineRun}` : undefined;
}

function heldBy({ finalizers = [], annotations = {} }: ObjectMeta, rules: ProtectionRules): Protection | undefined {
  for (const finalizer of finalizers) {
    if (isChainsFinalizer(finalizer)) return { kind: 'chains', finalizer };
    if (rules.finalizersOnDeletion.includes(finalizer)) continue;
    // Tekton Results leaves its finalizer on and says in an annotation that it has what it wants.
    if (finalizer.startsWith(resultsFinalizer) && annotations[resultsStored] === 'true') continue;
    return { kind: 'finalizer', finalizer };
  }
  return undefined;
}

/** A run that was over at once has no finalizer of Chains yet; without Chains it never will: the wait is bounded. */
function unsigned(run: FinishedRun, rules: ProtectionRules, now: Date): Protection | undefined {
  if (rules.waitForSignatureMs <= 0 || run.metadata.annotations?.[chainsSigned]) return undefined;
  const ended = endOf(run);
  const ms = (ended ?? now.getTime()) + rules.waitForSignatureMs - now.getTime();
  return ms > 0 ? { kind: 'unsigned', ms } : undefined;
}

/** Milliseconds since 1970; undefined where the status does not say. */
export function endOf({ status }: Pick<FinishedRun, 'status'>): number | undefined {
  const time = Date.parse(status?.completionTime ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** Newest first; of one second the greater name first, so that the order is always the same. */
export function byAge(a: FinishedRun, b: FinishedRun): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? 1 : -1;
  const [first = '', second = ''] = [a.metadata.name, b.metadata.name];
  return first === second ? 0 : first < second ? 1 : -1;
}
