import { isStepContainer } from '../pod/names.ts';
import type { ContainerStatus, Pod } from '../pod/types.ts';

/** Container statuses in the order of the pod's spec: the kubelet sorts them by name, people think in steps. */
export function orderedStatuses(pod: Pod): ContainerStatus[] {
  const statuses = new Map((pod.status?.containerStatuses ?? []).map((status) => [status.name, status]));
  return pod.spec.containers.map((container) => statuses.get(container.name)).filter((status) => status !== undefined);
}

/** Whether every step has ended: the run is over then, though sidecars may still run. */
export function stepsAreComplete(pod: Pod): boolean {
  const ended = new Set(
    orderedStatuses(pod)
      .filter((status) => status.state?.terminated)
      .map((status) => status.name),
  );
  const steps = pod.spec.containers.filter((container) => isStepContainer(container.name));
  return steps.length > 0 && steps.every((step) => ended.has(step.name));
}

export function isFinished(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' || stepsAreComplete(pod);
}
