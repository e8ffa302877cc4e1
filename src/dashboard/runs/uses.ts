import { runStatuses, type DefinitionUse, type DefinitionUses, type RunStatus, type RunSummary } from '../contract.ts';
import type { IndexedRun } from './summary.ts';

/** A list of definitions has no more rows. */
const MOST_DEFINITIONS = 2_000;

/** No run of any status. */
export function noCounts(): Record<RunStatus, number> {
  return Object.fromEntries(runStatuses.map((status) => [status, 0])) as Record<RunStatus, number>;
}

/**
 * How definitions were used, the last one first.
 * @param runs newest first
 * @param summaries what lists show of runs, in the same order
 */
export function usesOf(
  runs: readonly IndexedRun[],
  summaries: (some: readonly IndexedRun[]) => RunSummary[],
): DefinitionUses {
  const found = new Map<string, { first: IndexedRun; counts: Record<RunStatus, number> }>();
  let isCut = false;
  for (const each of runs) {
    const { kind, namespace, definition, status } = each.run;
    if (definition === undefined) continue;
    const key = `${kind}/${namespace}/${definition}`;
    const use = found.get(key) ?? { first: each, counts: noCounts() };
    use.counts[status] += 1;
    if (found.size < MOST_DEFINITIONS || found.has(key)) found.set(key, use);
    else isCut = true;
  }
  const uses = [...found.values()];
  const lasts = summaries(uses.map(({ first }) => first));
  return { items: lasts.map((last, at) => useOf(last, uses[at]?.counts ?? noCounts())), isCut };
}

function useOf(last: RunSummary, counts: Record<RunStatus, number>): DefinitionUse {
  const { kind, namespace, definition = '' } = last;
  return { kind: kind === 'TaskRun' ? 'Task' : 'Pipeline', namespace, name: definition, last, counts };
}
