import type { FeatureFlags } from '../../api/config/feature-flags.ts';
import type { Pod } from '../pod/types.ts';
import { isFinished } from './order.ts';
import { readyGateChange } from './ready.ts';

/**
 * Whether a pod is between its beginning and its end and waits for nobody: all that its TaskRun can learn from it is
 * how far it has come, which the next change makes old.
 */
export function isOnItsWay(pod: Pod, flags: FeatureFlags): boolean {
  const phase = pod.status?.phase ?? 'Pending';
  if (phase !== 'Pending' && phase !== 'Running') return false;
  return pod.metadata.deletionTimestamp === undefined && !isFinished(pod) && readyGateChange(pod, flags) === undefined;
}
