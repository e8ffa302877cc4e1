import { ConfigValues, type ConfigProblem } from './values.ts';

/**
 * ConfigMaps config-leader-election-{controller,events,webhook,resolvers}, as knative has them. Periods in
 * milliseconds.
 */
export interface LeaderElectionConfig {
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
  /** Keys are spread over this many leases, 1 to 10; replicas hold different ones. */
  buckets: number;
  /** map-lease-prefix.<reconciler>: another name for the leases of one reconciler. */
  leasePrefixes: Record<string, string>;
}

const PREFIX = 'map-lease-prefix.';
const LARGEST_BUCKETS = 10;

/**
 * The settings of a leader election ConfigMap; `undefined` gives knative's defaults. Never throws. Old camelCase keys
 * count where the new one is missing.
 */
export function parseLeaderElection(data: Readonly<Record<string, string>> | undefined): {
  leaderElection: LeaderElectionConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const leaderElection: LeaderElectionConfig = {
    leaseDurationMs: values.durationMs('lease-duration', values.durationMs('leaseDuration', 60_000)),
    renewDeadlineMs: values.durationMs('renew-deadline', values.durationMs('renewDeadline', 40_000)),
    retryPeriodMs: values.durationMs('retry-period', values.durationMs('retryPeriod', 10_000)),
    buckets: values.integer('buckets', 1, 1, LARGEST_BUCKETS + 1),
    leasePrefixes: Object.fromEntries(
      Object.entries(data ?? {}).flatMap(([key, value]) =>
        key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), value]] : [],
      ),
    ),
  };
  // knative's oldest settings; it reads them no more, but shipped ConfigMaps still hold them.
  const isKnown = (key: string) => key.startsWith(PREFIX) || key === 'resourceLock' || key === 'enabledComponents';
  const problems = values.reportUnknownKeys(isKnown);
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = leaderElection;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs && retryPeriodMs > 0)) {
    problems.push({
      kind: 'invalid-value',
      key: 'lease-duration',
      value: data?.['lease-duration'] ?? '',
      message:
        'lease-duration must be longer than renew-deadline, and that longer than retry-period; 60s, 40s and 10s are used until you correct it',
    });
    return {
      leaderElection: { ...leaderElection, leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryPeriodMs: 10_000 },
      problems,
    };
  }
  return { leaderElection, problems };
}
