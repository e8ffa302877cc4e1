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

/** Whether a finished pod counts as failed: it says so, or a step ended badly while sidecars still run. */
export function didFail(pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return (pod.status?.containerStatuses ?? []).some((status) => isStepContainer(status.name) && (isOutOfMemory(status) || exitedBadly(status)));
}

/** Reason by the first rule that applies, in upstream's order; the message comes from whatever says most about the cause. */
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
    [steps.some(exitedBadly), 'StepFailed'],
  ];
  return rules.find(([applies]) => applies)?.[1] ?? 'Failed';
}

function failureMessage(pod: Pod): string {
  // An evicted pod's containers have exit codes that tell less than the kubelet does.
  if (pod.status?.reason === evicted && pod.status.message) return pod.status.message;
  const init = (pod.status?.initContainerStatuses ?? []).map(containerMessage).find((message) => message !== undefined);
  if (init !== undefined) return `init container failed, ${init}`;
  const container = orderedStatuses(pod).map(containerMessage).find((message) => message !== undefined);
  if (container !== undefined) return container;
  if (pod.status?.message) return pod.status.message;
  const outOfMemory = (pod.status?.containerStatuses ?? []).some((status) => isStepContainer(status.name) && isOutOfMemory(status));
  return outOfMemory ? oomKilled : 'build failed for unspecified reasons.';
}

function containerMessage(status: ContainerStatus): string | undefined {
  const terminated = status.state?.terminated;
  if (!terminated) return undefined;
  const report = stepReport(parseTerminationMessage(terminated.message) ?? []);
  if (report.reason === 'TimeoutExceeded') return `${quote(status.name)} exited because the step exceeded the specified timeout limit`;
  if (terminated.exitCode === 0) return undefined;
  return `${quote(status.name)} exited with code ${terminated.exitCode}${terminated.reason ? `: ${terminated.reason}` : ''}`;
}

function isOutOfMemory(status: ContainerStatus): boolean {
  return status.state?.terminated?.reason === oomKilled;
}

function exitedBadly(status: ContainerStatus): boolean {
  return (status.state?.terminated?.exitCode ?? 0) !== 0;
}
