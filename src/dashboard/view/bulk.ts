import type { RunSummary } from '../contract.ts';
import { isOver } from './status.ts';

/** What can be done with many runs at once. */
export type BulkAction = 'cancel' | 'delete';

export type BulkRun = Pick<RunSummary, 'kind' | 'namespace' | 'name' | 'uid' | 'status'>;

/** Where rights are asked for: they hold for a kind in a namespace. */
export type BulkScope = Pick<BulkRun, 'kind' | 'namespace'>;

export const bulkVerbs: Readonly<Record<BulkAction, 'patch' | 'delete'>> = { cancel: 'patch', delete: 'delete' };

/** Which of the chosen runs an action is for, and why the others are left alone. */
export interface BulkPlan {
  runs: readonly BulkRun[];
  left: readonly BulkOutcome[];
}

/** What became of one run; a problem tells why nothing did. */
export interface BulkOutcome {
  run: BulkRun;
  problem?: string;
}

/** The kinds and namespaces of some runs, each once. */
export function bulkScopes(runs: readonly BulkRun[]): BulkScope[] {
  return [...new Map(runs.map(({ kind, namespace }) => [`${kind}/${namespace}`, { kind, namespace }])).values()];
}

/** @param may whether the API server would let one do this there */
export function bulkPlan(
  action: BulkAction,
  runs: readonly BulkRun[],
  may: (verb: string, scope: BulkScope) => boolean,
): BulkPlan {
  const judged = runs.map((run): BulkOutcome => {
    const why = whyNot(action, run, may);
    return why === undefined ? { run } : { run, problem: why };
  });
  return {
    runs: judged.filter(({ problem }) => problem === undefined).map(({ run }) => run),
    left: judged.filter(({ problem }) => problem !== undefined),
  };
}

function whyNot(
  action: BulkAction,
  run: BulkRun,
  may: (verb: string, scope: BulkScope) => boolean,
): string | undefined {
  if (action === 'cancel' && isOver(run.status)) return 'it is over already';
  if (may(bulkVerbs[action], run)) return undefined;
  return `you may not ${bulkVerbs[action]} ${run.kind}s in ${run.namespace}`;
}

/**
 * What is asked for one run: of that one alone, and not of another that has come to its name since.
 */
export function bulkBody(action: BulkAction, { kind, uid }: BulkRun): object {
  if (action === 'delete') return { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
  return { metadata: { uid }, spec: { status: kind === 'TaskRun' ? 'TaskRunCancelled' : 'Cancelled' } };
}

const done: Readonly<Record<BulkAction, string>> = { cancel: 'cancelled', delete: 'deleted' };

/** `12 runs deleted, 2 not` */
export function bulkSentence(action: BulkAction, outcomes: readonly BulkOutcome[]): string {
  const failed = outcomes.filter(({ problem }) => problem !== undefined).length;
  const well = outcomes.length - failed;
  return `${well.toLocaleString('en')} ${well === 1 ? 'run' : 'runs'} ${done[action]}${failed === 0 ? '' : `, ${failed.toLocaleString('en')} not`}`;
}
