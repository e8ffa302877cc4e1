import { wholeLeadership, type Leadership } from '../kube/buckets.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ControllerOptions } from '../kube/controller.ts';
import type { Logger } from '../log.ts';
import { runElections, type LiveElectionConfig } from './elections.ts';
import { LastingLeadership } from './lasting-leadership.ts';
import { untilAborted } from './until-aborted.ts';

/**
 * Which replica works on what, per reconciler. `run` competes until the signal is aborted, then gives everything back.
 */
export type LeadersOf<Reconciler extends string> = Readonly<Record<Reconciler, Leadership>> & {
  run(signal: AbortSignal): Promise<void>;
};

export interface ElectionSource<Reconciler extends string> {
  client: KubeClient;
  flags: { disableHighAvailability: boolean; systemNamespace: string; identity?: string | undefined };
  config: LiveElectionConfig;
  /** First part of lease names. */
  component: string;
  /** Names of the work queues, part of lease names. */
  queueNames: Readonly<Record<Reconciler, string>>;
  log: Logger;
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
  const leaderships = new Map<string, LastingLeadership>();
  const lasting = (queueName: string) => {
    const leadership = new LastingLeadership();
    leaderships.set(queueName, leadership);
    return leadership;
  };
  const elections = { client, flags, config, component, leaderships, log };
  return { ...led(lasting), run: (signal) => runElections(elections, signal) };
}
