import { isStepContainer } from '../pod/names.ts';
import type { Pod } from '../pod/types.ts';
import { orderedStatuses } from './order.ts';
import { quote } from './quote.ts';
import { isGateOpen } from './ready.ts';

/** So long a pod may take to begin its steps before users are told what it waits for. */
const patienceMs = 10_000;
/** How soon after that it is looked at again, while nothing is known. */
const lookAgainMs = 30_000;

/** Whether the steps of a pod have not begun although nothing went wrong so far. */
function isComingUp(pod: Pod): boolean {
  return pod.status?.phase === undefined || pod.status.phase === 'Pending' || isGateClosed(pod);
}

function isGateClosed(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && !isGateOpen(pod);
}

function patienceLeftMs(pod: Pod, now: Date): number {
  return Date.parse(pod.metadata.creationTimestamp ?? '') + patienceMs - now.getTime();
}

/** Milliseconds until a pod that is coming up deserves a look; undefined when it has begun. */
export function delayCheckMs(pod: Pod, now: Date): number | undefined {
  if (!isComingUp(pod)) return undefined;
  const left = patienceLeftMs(pod, now);
  return left > 0 ? left : lookAgainMs;
}

/** Whether a pod has been coming up for so long that its events should be asked. */
export function isDelayed(pod: Pod, now: Date): boolean {
  return isComingUp(pod) && patienceLeftMs(pod, now) <= 0;
}

/**
 * What a pod that takes long to begin its steps waits for; undefined while it is not late, or when nothing is known.
 * @param warning the last warning that scheduler or kubelet gave of it: of a volume that cannot be mounted the pod
 *   itself says nothing
 */
export function delayOf(pod: Pod, warning: string | undefined, now: Date): string | undefined {
  if (!isDelayed(pod, now)) return undefined;
  if (isGateClosed(pod)) return sidecarsAwaited(pod);
  if (warning) return `the pod has not started yet: ${warning}`;
  const { nodeName, schedulerName } = pod.spec;
  if (nodeName || (pod.status?.conditions ?? []).length > 0) return undefined;
  return `no scheduler has taken up the pod${schedulerName ? `: is there one named ${quote(schedulerName)}?` : ''}`;
}

function sidecarsAwaited(pod: Pod): string | undefined {
  const others = orderedStatuses(pod).filter(
    ({ name, state, ready }) => !isStepContainer(name) && !state?.terminated && !ready,
  );
  return others.length > 0
    ? `the steps wait for ${others.map(({ name }) => quote(name)).join(', ')} to be ready`
    : undefined;
}
