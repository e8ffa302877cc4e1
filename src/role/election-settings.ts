import { parseLeaderElection, type LeaderElectionConfig } from '../api/config/config-leader-election.ts';
import type { ConfigProblem } from '../api/config/values.ts';
import { messageOf } from '../errors.ts';
import { DEFAULT_ELECTION, checkPeriods } from '../kube/election-config.ts';
import type { ConfigMap } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import type { LiveElectionConfig } from './elections.ts';

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

/** What `read` makes of the ConfigMaps of these names, and of their changes. */
export function liveElection(
  configMaps: Pick<Store<ConfigMap>, 'subscribe'>,
  names: readonly string[],
  read: () => LeaderElectionConfig,
): LiveElectionConfig {
  return {
    current: read,
    subscribe: (listener) =>
      configMaps.subscribe(({ object }) => {
        if (names.includes(object.metadata.name ?? '')) listener();
      }),
  };
}
