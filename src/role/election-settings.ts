import { parseLeaderElection, type LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import type { ConfigProblem } from '../api/config/values.ts';
import { messageOf } from '../errors.ts';
import { DEFAULT_ELECTION, checkPeriods } from '../kube/election-config.ts';

/**
 * Buckets and periods of a leader election ConfigMap. Periods that cannot work together are reported, and give the
 * defaults.
 */
export function electionSettings(data: Readonly<Record<string, string>> | undefined): {
  leaderElection: LeaderElectionConfig;
  problems: ConfigProblem[];
} {
  const { leaderElection, problems } = parseLeaderElection(data);
  try {
    checkPeriods(leaderElection);
    return { leaderElection, problems };
  } catch (error) {
    const message = `${messageOf(error)}; the default periods are used`;
    const problem: ConfigProblem = {
      kind: 'invalid-value',
      key: 'lease-duration',
      value: data?.['lease-duration'] ?? '',
      message,
    };
    return {
      leaderElection: {
        ...DEFAULT_ELECTION,
        leasePrefixes: leaderElection.leasePrefixes,
        buckets: leaderElection.buckets,
      },
      problems: [...problems, problem],
    };
  }
}
