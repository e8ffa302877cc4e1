import type { LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import { Election, wholeLeadership, type Leadership } from '../kube/buckets.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import type { Logger } from '../log.ts';

/**
 * Which replica works on what, per reconciler. `run` competes until the signal is aborted, then gives everything back.
 */
export type LeadersOf<Reconciler extends string> = Readonly<Record<Reconciler, Leadership>> & {
  run(signal: AbortSignal): Promise<void>;
};

export interface ElectionSource<Reconciler extends string> {
  client: KubeClient;
  flags: { disableHighAvailability: boolean; systemNamespace: string; identity?: string | undefined };
  config: LeaderElectionConfig;
  /** First part of lease names. */
  component: string;
  /** Names of the work queues, part of lease names. */
  queueNames: Readonly<Record<Reconciler, string>>;
  log: Logger;
}

/** Resolves when the signal is aborted, at once when it is already. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What a controller asks of the leadership over its keys. */
export function ledBy(leadership: Leadership): Pick<ControllerOptions, 'owns' | 'onLost' | 'onDraining'> {
  return {
    owns: (key) => leadership.owns(key),
    onLost: (listener) => leadership.onLost(listener),
    onDraining: (listener) => leadership.onDraining(listener),
  };
}

/**
 * Leadership by leases; over everything with --disable-ha. By leases in a StatefulSet too (knative has
 * STATEFUL_CONTROLLER_ORDINAL): where each replica owned the bucket of its ordinal, buckets without a replica would
 * have no owner.
 */
export function electLeaders<Reconciler extends string>(source: ElectionSource<Reconciler>): LeadersOf<Reconciler> {
  const { client, flags, config, component, queueNames, log } = source;
  const led = (of: (queueName: string) => Leadership) =>
    Object.fromEntries(
      Object.entries<string>(queueNames).map(([reconciler, queueName]) => [reconciler, of(queueName)]),
    ) as Record<Reconciler, Leadership>;
  if (flags.disableHighAvailability) {
    const whole = wholeLeadership();
    return { ...led(() => whole), run: untilAborted };
  }
  const identity = flags.identity ? { identity: flags.identity, inPod: true } : {};
  const election = new Election({ client, namespace: flags.systemNamespace, component, config, log, ...identity });
  return { ...led((queueName) => election.forReconciler(queueName)), run: (signal) => election.run(signal) };
}
