import type { LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import { Election, statefulSetLeadership, wholeLeadership, type Leadership } from '../kube/buckets.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../log.ts';
import type { ControllerFlags } from './flags.ts';

/** Which replica works on what, per reconciler. */
export interface Leaders {
  taskRun: Leadership;
  pipelineRun: Leadership;
  /** Competes until the signal is aborted, then gives everything back. */
  run(signal: AbortSignal): Promise<void>;
}

/** Names of the work queues, as upstream's: they are part of lease names and metric labels. */
export const queueNames = {
  taskRun: 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.Reconciler',
  pipelineRun: 'github.com.tektoncd.pipeline.pkg.reconciler.pipelinerun.Reconciler',
} as const;

export interface ElectionSource {
  client: KubeClient;
  flags: ControllerFlags;
  env: Readonly<Record<string, string | undefined>>;
  config: LeaderElectionConfig;
  component: string;
  log: Logger;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Leadership by leases; by StatefulSet ordinal where the environment says so; over everything with --disable-ha.
 * @throws when the StatefulSet's ordinal does not fit the buckets.
 */
export function electLeaders(source: ElectionSource): Leaders {
  const { client, flags, env, config, component, log } = source;
  const fixed = flags.disableHighAvailability ? wholeLeadership() : statefulSetLeadership(env, config.buckets, flags.systemNamespace);
  if (fixed) return { taskRun: fixed, pipelineRun: fixed, run: untilAborted };
  const identity = flags.identity ? { identity: flags.identity } : {};
  const election = new Election({ client, namespace: flags.systemNamespace, component, config, log, ...identity });
  return {
    taskRun: election.forReconciler(queueNames.taskRun),
    pipelineRun: election.forReconciler(queueNames.pipelineRun),
    run: (signal) => election.run(signal),
  };
}
