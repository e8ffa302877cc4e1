import { gateOf } from '../../concurrency.ts';
import type { Resolved } from '../../core/reference/resolved.ts';

/**
 * Finds the StepActions of one run, at most `limit` of them at the same time. One that a resolver is at work on takes
 * its place until it has answered: what finds none is said to be waited for likewise, and is asked for when that answer
 * has the run looked at again.
 */
export function stepActionGate(limit: number): (find: () => Promise<Resolved>) => Promise<Resolved> {
  const gate = gateOf(limit);
  let finding = 0;
  const underWay: Resolved[] = [];
  let isFull = false;
  return (find) =>
    gate(async () => {
      const [before] = underWay;
      // For good: one that is asked for before those in front of it would not be counted when their turn comes.
      isFull ||= before !== undefined && underWay.length + finding >= limit;
      if (before && isFull) return before;
      finding += 1;
      try {
        const resolved = await find();
        if (resolved.kind === 'resolving') underWay.push(resolved);
        return resolved;
      } finally {
        finding -= 1;
      }
    });
}
