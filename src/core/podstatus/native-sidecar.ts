import { isStepContainer } from '../pod/names.ts';
import type { ContainerStatus, ContainerTerminated, Pod } from '../pod/types.ts';
import { orderedStatuses, stepsAreComplete } from './order.ts';

/** The kubelet's word for a container that it no longer found: one that was waiting to be started again. */
const notFound = 'ContainerStatusUnknown';

/**
 * The init containers' statuses, native sidecars as they were when the last step ended. The kubelet starts such a
 * container again whenever it ends, and stops it after the steps: how it ends then says nothing of the run. What it
 * ended of before counts unless it was up again. Upstream takes what is there when it looks.
 */
export function initStatuses(pod: Pod): ContainerStatus[] {
  // A webhook's as well.
  const restarted = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const native = new Set(restarted.map(({ name }) => name));
  const stepsEnd = endOfSteps(pod);
  return (pod.status?.initContainerStatuses ?? []).map((status) =>
    native.has(status.name) ? atStepsEnd(status, stepsEnd) : status,
  );
}

function atStepsEnd(status: ContainerStatus, stepsEnd: string | undefined): ContainerStatus {
  const end = lastEnd(status);
  const isStopped = stepsEnd !== undefined && (end?.finishedAt ?? '') >= stepsEnd;
  return { ...status, state: end === undefined || isStopped ? {} : { terminated: end } };
}

/** How the container ended last; undefined for one that runs. */
function lastEnd({ state = {}, lastState }: ContainerStatus): ContainerTerminated | undefined {
  const { terminated, running } = state;
  if (running) return undefined;
  return terminated === undefined || terminated.reason === notFound ? lastState?.terminated : terminated;
}

/** When the last step ended, as the kubelet says it; undefined while one has not. */
function endOfSteps(pod: Pod): string | undefined {
  if (!stepsAreComplete(pod)) return undefined;
  const steps = orderedStatuses(pod).filter(({ name }) => isStepContainer(name));
  return steps
    .flatMap(({ state }) => state?.terminated?.finishedAt ?? [])
    .sort()
    .at(-1);
}
