import { isDeepStrictEqual } from 'node:util';
import type { LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import { systemClock } from '../clock.ts';
import { Election, uniqueIdentity } from '../kube/buckets.ts';
import type { KubeClient } from '../kube/client.ts';
import { leaseName } from '../kube/election-config.ts';
import { leases } from '../kube/resources.ts';
import type { Logger } from '../log.ts';
import type { LastingLeadership } from './lasting-leadership.ts';
import { untilAborted } from './until-aborted.ts';

/** Buckets and periods as the operator has them now. */
export interface LiveElectionConfig {
  current(): LeaderElectionConfig;
  /** Calls the listener whenever they may have changed. Returns the way to unsubscribe. */
  subscribe(listener: () => void): () => void;
}

export interface ElectionsOptions {
  client: KubeClient;
  flags: { systemNamespace: string; identity?: string | undefined };
  config: LiveElectionConfig;
  component: string;
  /** By the names of the work queues. */
  leaderships: ReadonlyMap<string, LastingLeadership>;
  log: Logger;
}

/** Longest wait for work in flight before the leases are given back, as when one goes to another replica. */
const DRAIN_MS = 10_000;
const LOOK_MS = 250;
/** Former leases are kept for this part of the retry period: who hears of the change later must not take them. */
const HEARD_BY_ALL = 5;

/**
 * Competes for the leases of all reconcilers, anew after each change of the settings: work in flight is ended, what is
 * held is kept until the other replicas have heard of it too and then given back, and nothing of the new buckets is
 * taken while another holds one of before. Resolves when the signal is aborted and everything given back.
 */
export async function runElections(options: ElectionsOptions, signal: AbortSignal): Promise<void> {
  const { config, log, flags } = options;
  const identity = flags.identity ?? uniqueIdentity();
  for (let before: LeaderElectionConfig | undefined; !signal.aborted;) {
    const now = config.current();
    if (before) {
      log.info({ buckets: now.buckets, before: before.buckets }, 'leader election has changed');
      await untilGivenBack(options, before, now, signal);
      if (!isDeepStrictEqual(config.current(), now)) continue;
    }
    await runElection(options, { config: now, identity }, signal);
    before = now;
  }
}

/** Until the signal is aborted or the settings change. */
async function runElection(
  { client, flags, config: live, component, leaderships, log }: ElectionsOptions,
  { config, identity }: { config: LeaderElectionConfig; identity: string },
  signal: AbortSignal,
): Promise<void> {
  const inPod = flags.identity !== undefined;
  const election = new Election({ client, namespace: flags.systemNamespace, component, config, log, identity, inPod });
  for (const [queueName, leadership] of leaderships) leadership.follow(election.forReconciler(queueName));
  const changed = new AbortController();
  const stop = new AbortController();
  const unsubscribe = live.subscribe(() => {
    if (!isDeepStrictEqual(live.current(), config)) changed.abort();
  });
  const running = election.run(stop.signal);
  try {
    await Promise.race([running, untilAborted(AbortSignal.any([signal, changed.signal]))]);
    if (!signal.aborted) {
      await drained(leaderships, signal);
      await paused(config.retryPeriodMs / HEARD_BY_ALL, signal);
    }
  } finally {
    unsubscribe();
    stop.abort();
    await running;
  }
}

async function drained(leaderships: ElectionsOptions['leaderships'], signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const late = systemClock.sleep(DRAIN_MS, ending).catch(() => {
    /* in time, or the end came */
  });
  await Promise.race([Promise.all([...leaderships.values()].map((each) => each.leave())), late]);
  over.abort();
}

/** Until nobody holds a lease of the former buckets; not longer than such a lease lasts. */
async function untilGivenBack(
  { client, flags: { systemNamespace: namespace }, component, leaderships, log }: ElectionsOptions,
  before: LeaderElectionConfig,
  now: LeaderElectionConfig,
  signal: AbortSignal,
): Promise<void> {
  const namesOf = (config: LeaderElectionConfig) =>
    [...leaderships.keys()].flatMap((queueName) =>
      Array.from({ length: config.buckets }, (_, at) => leaseName(component, queueName, at, config)),
    );
  const stay = new Set(namesOf(now));
  const former = new Set(namesOf(before).filter((name) => !stay.has(name)));
  const isHeld = async () => {
    const { items } = await client.list(leases, { namespace, signal, unlimited: true });
    return items.some(({ metadata, spec }) => former.has(metadata.name ?? '') && spec?.holderIdentity);
  };
  const end = performance.now() + before.leaseDurationMs;
  while (former.size > 0 && performance.now() < end && !signal.aborted) {
    try {
      if (!(await isHeld())) return;
    } catch (error) {
      if (!signal.aborted) log.warn({ error }, 'cannot see who holds the former leases');
    }
    await paused(LOOK_MS, signal);
  }
}

async function paused(ms: number, signal: AbortSignal): Promise<void> {
  await systemClock.sleep(ms, signal).catch(() => {
    /* the end came */
  });
}
