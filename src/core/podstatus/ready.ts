import type { FeatureFlags } from '../../api/config/feature-flags.ts';
import { annotations } from '../labels.ts';
import { isSidecarContainer, isStepContainer } from '../pod/names.ts';
import type { Pod } from '../pod/types.ts';
import { orderedStatuses } from './order.ts';

/** The value that lets the first step start. */
export const readyValue = 'READY';

/** Whether the first step may start. */
export function isGateOpen(pod: Pod): boolean {
  return pod.metadata.annotations?.[annotations.ready] === readyValue;
}

/**
 * Whether the gate before the first step must be moved: opened when sidecars are ready, closed when a webhook added a
 * container to a pod that was let through at creation (hack/decisions/0004-ready-annotation-at-creation.md).
 */
export function readyGateChange(pod: Pod, flags: FeatureFlags): 'open' | 'close' | undefined {
  if (!isGateOpen(pod)) return sidecarsAreReady(pod) ? 'open' : undefined;
  const started = pod.status?.phase !== undefined && pod.status.phase !== 'Pending';
  const expectsInjection = flags.runningInEnvironmentWithInjectedSidecars && flags.awaitSidecarReadiness;
  return expectsInjection && !started && hasInjectedContainers(pod) ? 'close' : undefined;
}

function hasInjectedContainers(pod: Pod): boolean {
  return pod.spec.containers.some(
    (container) => !isStepContainer(container.name) && !isSidecarContainer(container.name),
  );
}

/** Every container that is no step runs and is ready, or has ended already. */
function sidecarsAreReady(pod: Pod): boolean {
  if (pod.status?.phase !== 'Running') return false;
  const others = orderedStatuses(pod).filter((status) => !isStepContainer(status.name));
  const expected = pod.spec.containers.filter((container) => !isStepContainer(container.name)).length;
  return (
    others.length === expected &&
    others.every(
      ({ state, ready }) => state?.terminated !== undefined || (state?.running !== undefined && ready === true),
    )
  );
}
