import type { Leadership } from '../../kube/buckets.ts';
import type { Cache } from '../../kube/cache.ts';
import { controllerKey } from '../../kube/owners.ts';
import type { WorkQueue } from '../../kube/queue.ts';
import { chainsFinalizers, isSigned, type RunState } from '../plan/run.ts';
import type { Seal } from '../plan/seal.ts';

type Leading = Pick<Leadership, 'owns' | 'onPromoted'>;
type Queue = Pick<WorkQueue, 'add' | 'addSlow'>;

/** Whether there may be something to do; most runs of a cluster have been signed long ago. */
function isOpen(run: RunState, seal: Seal): boolean {
  return !isSigned(run, seal) || chainsFinalizers(run).length > 0;
}

function newestFirst(one: RunState, other: RunState): number {
  const time = (run: RunState) => run.status?.completionTime ?? run.metadata.creationTimestamp ?? '';
  return time(one) < time(other) ? 1 : time(one) > time(other) ? -1 : 0;
}

/**
 * Feeds a queue with runs. What happens now goes before what was there when this replica took over, and of that the
 * newest goes first: whoever deploys right now does not wait for last month's runs. Returns the way to look at all
 * again.
 */
export function feedRuns(
  cache: Pick<Cache<RunState>, 'subscribe' | 'entries'>,
  queue: Queue,
  leadership: Leading,
  seal: Seal,
): () => void {
  const backlog = (has: (key: string) => boolean) => {
    const open = [...cache.entries()]
      .filter(([key, run]) => isOpen(run, seal) && has(key))
      .sort(([, one], [, other]) => newestFirst(one, other));
    for (const [key] of open) queue.addSlow(key);
  };
  cache.subscribe(({ type, key, object, origin }) => {
    // Its own writes are followed by the reconcile that made them.
    if (type === 'deleted' || origin === 'write' || !isOpen(object, seal) || !leadership.owns(key)) return;
    if (origin === 'watch') queue.add(key);
    else queue.addSlow(key);
  });
  leadership.onPromoted((bucket) => backlog((key) => bucket.has(key)));
  return () => backlog((key) => leadership.owns(key));
}

/** Wakes a PipelineRun when one of the runs that it made is through or gone: that is what it waits for. */
export function feedParents(
  children: Pick<Cache<RunState>, 'subscribe'>,
  queue: Queue,
  leadership: Leading,
  seal: Seal,
): void {
  children.subscribe(({ type, object, old }) => {
    const isNews = type === 'deleted' || (isSigned(object, seal) && !(old && isSigned(old, seal)));
    const key = controllerKey(object, 'PipelineRun');
    if (isNews && key !== undefined && leadership.owns(key)) queue.add(key);
  });
}
