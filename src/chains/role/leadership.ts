import type { LeaderElectionConfig } from '../../api/config/config-leader-election.ts';
import { Election, statefulSetLeadership, wholeLeadership, type Leadership } from '../../kube/buckets.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Logger } from '../../log.ts';
import type { RunKind } from '../annotations.ts';
import type { ChainsFlags } from './flags.ts';

/** Names of the work queues, as upstream's: they are part of lease names and metric labels. */
export const queueNames: Readonly<Record<RunKind, string>> = {
  taskrun: 'github.com.tektoncd.chains.pkg.reconciler.taskrun.Reconciler',
  pipelinerun: 'github.com.tektoncd.chains.pkg.reconciler.pipelinerun.Reconciler',
};

/** Upstream's process calls itself so: the first part of lease names and of metric names. */
const component = 'watcher';

/** Which replica works on what, per kind. */
export type Leaders = Readonly<Record<RunKind, Leadership>> & { run(signal: AbortSignal): Promise<void> };

interface ElectionSource {
  client: KubeClient;
  flags: ChainsFlags;
  env: Readonly<Record<string, string | undefined>>;
  config: LeaderElectionConfig;
  log: Logger;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Leadership by leases; by StatefulSet ordinal where the environment says so; over everything with --disable-ha. */
export function electLeaders({ client, flags, env, config, log }: ElectionSource): Leaders {
  const fixed = flags.disableHighAvailability ? wholeLeadership() : statefulSetLeadership(env, config.buckets, flags.systemNamespace);
  if (fixed) return { taskrun: fixed, pipelinerun: fixed, run: untilAborted };
  const election = new Election({ client, namespace: flags.systemNamespace, component, config, log, ...(flags.identity ? { identity: flags.identity } : {}) });
  return { taskrun: election.forReconciler(queueNames.taskrun), pipelinerun: election.forReconciler(queueNames.pipelinerun), run: (signal) => election.run(signal) };
}
