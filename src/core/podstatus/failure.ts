import { isSidecarContainer, isStepContainer } from '../pod/names.ts';
import type { ContainerStatus, Pod } from '../pod/types.ts';
import { quote } from './quote.ts';
import { orderedStatuses } from './order.ts';
import { parseTerminationMessage, stepReport } from './termination.ts';

/** Why a pod's run failed: the condition's reason and message. */
export interface Failure {
  reason: string;
  message: string;
}

const oomKilled = 'OOMKilled';
const evicted = 'Evicted';
/**
 * Upstream has the reason for results read from logs; for termination messages it leaves the cause to the step's log.
 */
const resultTooLarge = 'TaskRunResultLargerThanAllowedLimit';

/** Whether a finished pod counts as failed: it says so, or a step ended badly while sidecars still run. */
export function didFail(pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return (pod.status?.containerStatuses ?? []).some(
    (status) => isStepContainer(status.name) && (isOutOfMemory(status) || exitedBadly(status)),
  );
}

/**
 * Reason by the first rule that applies, in upstream's order; the message comes from whatever says most about the
 * cause.
 */
export function failureOf(pod: Pod): Failure {
  return { reason: failureReason(pod), message: failureMessage(pod) };
}

function failureReason(pod: Pod): string {
  const init = pod.status?.initContainerStatuses ?? [];
  const main = pod.status?.containerStatuses ?? [];
  const sidecarsAsInit = init.filter((status) => isSidecarContainer(status.name));
  const inits = init.filter((status) => !isSidecarContainer(status.name));
  const steps = main.filter((status) => isStepContainer(status.name));
  const sidecars = main.filter((status) => isSidecarContainer(status.name));
  const rules: [boolean, string][] = [
    [pod.status?.reason === evicted, 'PodEvicted'],
    [sidecarsAsInit.some(isOutOfMemory), 'SidecarOOM'],
    [inits.some(isOutOfMemory), 'InitContainerOOM'],
    [sidecarsAsInit.some(exitedBadly), 'SidecarFailed'],
    [inits.some(exitedBadly), 'InitContainerFailed'],
    [sidecars.some(isOutOfMemory), 'SidecarOOM'],
    [steps.some(isOutOfMemory), 'StepOOM'],
    [sidecars.some(exitedBadly), 'SidecarFailed'],
    [steps.some((status) => reportedReason(status) === resultTooLarge), resultTooLarge],
    [steps.some(exitedBadly), 'StepFailed'],
  ];
  return rules.find(([applies]) => applies)?.[1] ?? 'Failed';
}

function failureMessage(pod: Pod): string {
  // An evicted pod's containers have exit codes that tell less than the kubelet does.
  if (pod.status?.reason === evicted && pod.status.message) return pod.status.message;
  const init = (pod.status?.initContainerStatuses ?? []).map(containerMessage).find((message) => message !== undefined);
  if (init !== undefined) return `init container failed, ${init}`;
  const container = orderedStatuses(pod)
    .map(containerMessage)
    .find((message) => message !== undefined);
  if (container !== undefined) return container;
  if (pod.status?.message) return pod.status.message;
  const outOfMemory = (pod.status?.containerStatuses ?? []).some(
    (status) => isStepContainer(status.name) && isOutOfMemory(status),
  );
  return outOfMemory ? oomKilled : 'build failed for unspecified reasons.';
}

function containerMessage(status: ContainerStatus): string | undefined {
  const terminated = status.state?.terminated;
  if (!terminated) return undefined;
  const reported = reportedReason(status);
  if (reported === resultTooLarge)
    return `${quote(status.name)} exited with code ${terminated.exitCode}: its results need more than the 4096 bytes of a termination message; write less, or hand large data on in a workspace`;
  if (reported === 'TimeoutExceeded')
    return `${quote(status.name)} exited because the step exceeded the specified timeout limit`;
  if (terminated.exitCode === 0) return undefined;
  return `${quote(status.name)} exited with code ${terminated.exitCode}${terminated.reason ? `: ${terminated.reason}` : ''}`;
}

/** What the entrypoint gave as the reason of the step's end. */
function reportedReason(status: ContainerStatus): string | undefined {
  return stepReport(parseTerminationMessage(status.state?.terminated?.message) ?? []).reason;
}

function isOutOfMemory(status: ContainerStatus): boolean {
  return status.state?.terminated?.reason === oomKilled;
}

function exitedBadly(status: ContainerStatus): boolean {
  return (status.state?.terminated?.exitCode ?? 0) !== 0;
}
