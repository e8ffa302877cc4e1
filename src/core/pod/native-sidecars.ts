import type { FeatureFlags } from '../../api/config/feature-flags.ts';
import type { Sidecar, TaskSpec } from '../../api/pipeline/v1/task.ts';

/**
 * Whether a sidecar is to be an init container that runs beside the others (flag enable-kubernetes-sidecar, or its own
 * restartPolicy), where the API server has such.
 */
export function isNativeSidecar({ restartPolicy }: Sidecar, { enableKubernetesSidecar }: FeatureFlags): boolean {
  return restartPolicy === 'Always' || enableKubernetesSidecar;
}

/** Whether a Task has such a sidecar. */
export function hasNativeSidecar({ sidecars = [] }: TaskSpec, flags: FeatureFlags): boolean {
  return sidecars.some((sidecar) => isNativeSidecar(sidecar, flags));
}
