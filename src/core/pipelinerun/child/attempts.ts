import type { PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import { childName } from '../../naming.ts';
import type { Child } from './child.ts';

/** The runs of a pipeline task, one attempt of each that counts. */
export interface Attempts {
  /** The last attempt of each. */
  latest: readonly Child[];
  /** By the name of a run's first attempt, the name of the one to be made since the last failed. */
  again: ReadonlyMap<string, string>;
}

/** Whether a pipeline task is a pipeline of its own. */
export function isNestedPipeline({ pipelineRef, pipelineSpec }: PipelineTask): boolean {
  return pipelineRef !== undefined || pipelineSpec !== undefined;
}

/**
 * TaskRuns and CustomRuns retry by themselves. A PipelineRun ends once: for another attempt its parent makes another,
 * named after the first. What somebody cancelled is not tried again.
 */
export function attemptsOf(task: PipelineTask, children: readonly Child[]): Attempts {
  if (!isNestedPipeline(task)) return { latest: children, again: new Map() };
  const byName = new Map(children.map((child) => [child.name, child]));
  const chains = children.map((first) => [first, ...laterAttempts(first, byName)]);
  const later = new Set(chains.flatMap((chain) => chain.slice(1)));
  const runs = chains.filter(([first]) => first !== undefined && !later.has(first));
  const again = runs.flatMap((chain) => {
    const [first, last] = [chain[0], chain.at(-1)];
    if (first === undefined || last?.state !== 'failed' || last.wasCancelled) return [];
    return chain.length <= (task.retries ?? 0) ? [[first.name, attemptName(first.name, chain.length)] as const] : [];
  });
  return { latest: runs.flatMap((chain) => chain.at(-1) ?? []), again: new Map(again) };
}

function laterAttempts(first: Child, byName: ReadonlyMap<string, Child>): Child[] {
  const found: Child[] = [];
  for (let attempt = 1; ; attempt++) {
    const next = byName.get(attemptName(first.name, attempt));
    if (next === undefined) return found;
    found.push(next);
  }
}

/** Short enough that no hash takes the place of its end. */
function attemptName(first: string, attempt: number): string {
  return childName(first, `-retry-${attempt}`);
}
