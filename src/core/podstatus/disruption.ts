import type { Pod } from '../pod/types.ts';

/**
 * Why the cluster takes a pod away, in its own words: its node is gone or given up, another pod needs the place. The
 * containers say nothing of it. Undefined for a pod that nobody takes away.
 */
export function disruptionOf(pod: Pod): string | undefined {
  const found = (pod.status?.conditions ?? []).find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  return found && [found.reason, found.message].filter(Boolean).join(': ');
}
