import type { LeadersOf } from '../role/leadership.ts';

/** Names of the work queues, as upstream's: they are part of lease names and metric labels. */
export const queueNames = {
  taskRun: 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.Reconciler',
  pipelineRun: 'github.com.tektoncd.pipeline.pkg.reconciler.pipelinerun.Reconciler',
  resolutionRequest: 'github.com.tektoncd.pipeline.pkg.reconciler.resolutionrequest.Reconciler',
} as const;

/** Of the pruner, where it is on. */
export const prunerQueueName = 'github.com.tektoncd.pruner.pkg.reconciler.Reconciler';

export type Leaders = LeadersOf<keyof typeof queueNames>;
