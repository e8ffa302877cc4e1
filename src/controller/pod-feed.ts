import type { FeatureFlags } from '../api/config/feature-flags.ts';
import type { Pod as RunPod } from '../core/pod/types.ts';
import { isOnItsWay } from '../core/podstatus/progress.ts';
import type { KubeClient } from '../kube/client.ts';
import { ownerKeys } from '../kube/owners.ts';
import type { Feed } from '../kube/replica.ts';
import type { Pod } from '../kube/resources.ts';
import type { Change } from '../kube/store.ts';

/** Shorter than anybody notices, longer than the shortest steps run. */
const PROGRESS_PATIENCE_MS = 500;

/** What is asked whenever a pod changes. */
interface PodFeedOptions {
  client: Pick<KubeClient, 'isBusy'>;
  settings: { current: () => { flags: FeatureFlags } };
}

/**
 * How pods wake their TaskRuns. Under load how far a pod has come waits a moment: a write for each of its states would
 * take the place of writes that bring runs on, and most states are overtaken by then. What somebody else may have done
 * to a pod (its spec, its deletion) never waits.
 */
export function podFeed({ client, settings }: PodFeedOptions): Required<Feed<Pod>> {
  // A spec that did not change is the same object (kube/same-parts.ts).
  const isProgress = ({ type, object, old }: Change<Pod>) =>
    type === 'updated' && object.spec === old?.spec && isOnItsWay(object as RunPod, settings.current().flags);
  return {
    keysOf: ownerKeys('TaskRun'),
    patienceMs: (change) => (client.isBusy && isProgress(change) ? PROGRESS_PATIENCE_MS : 0),
  };
}
