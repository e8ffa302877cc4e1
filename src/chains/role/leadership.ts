import type { LeadersOf } from '../../role/leadership.ts';
import type { RunKind } from '../annotations.ts';

/** Names of the work queues, as upstream's: they are part of lease names and metric labels. */
export const queueNames: Readonly<Record<RunKind, string>> = {
  taskrun: 'github.com.tektoncd.chains.pkg.reconciler.taskrun.Reconciler',
  pipelinerun: 'github.com.tektoncd.chains.pkg.reconciler.pipelinerun.Reconciler',
};

/** Upstream's process calls itself so: the first part of lease names and of metric names. */
export const leaseComponent = 'watcher';

export type Leaders = LeadersOf<RunKind>;
