import { isSidecarContainer, isStepContainer } from '../pod/names.ts';
import type { ContainerStatus, Pod } from '../pod/types.ts';
import { disruptionOf } from './disruption.ts';
import { initStatuses } from './native-sidecar.ts';
import { quote } from './quote.ts';
import { orderedStatuses } from './order.ts';
import { isCutMessage, parseTerminationMessage, stepReport, type StepReport } from './termination.ts';

/** Why a pod's run failed: the condition's reason and message. */
export interface Failure {
  reason: string;
  message: string;
  /** The container that decides both. */
  container?: string;
}

const oomKilled = 'OOMKilled';
const evicted = 'Evicted';
/**
 * Upstream has the reason for results read from logs; for termination messages it leaves the cause to the step's log.
 */
const resultTooLarge = 'TaskRunResultLargerThanAllowedLimit';
const wayOut = 'write less, or hand large data on in a workspace';

/**
 * Whether a finished pod counts as failed: it says so, a step ended badly while sidecars still run, or what a step
 * reported is lost.
 */
export function didFail(pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return (pod.status?.containerStatuses ?? []).some(
    (status) => isStepContainer(status.name) && (isOutOfMemory(status) || exitedBadly(status) || isCut(status)),
  );
}

/** Reason by the first rule that applies, in upstream's order; the container that decides it decides the message. */
export function failureOf(pod: Pod): Failure {
  if (pod.status?.reason === evicted) {
    // An evicted pod's containers have exit codes that tell less than the kubelet does.
    return { reason: 'PodEvicted', message: pod.status.message || failureOfContainers(pod).message };
  }
  return failureOfContainers(pod);
}

interface Rule {
  among: readonly ContainerStatus[];
  applies: (status: ContainerStatus) => boolean;
  reason: string;
}

function failureOfContainers(pod: Pod): Failure {
  const init = initStatuses(pod);
  for (const { among, applies, reason } of rules(init, orderedStatuses(pod))) {
    const guilty = among.find(applies);
    if (guilty === undefined) continue;
    const prefix = init.includes(guilty) ? 'init container failed, ' : '';
    return { reason, message: prefix + containerMessage(guilty, pod), container: guilty.name };
  }
  const disruption = disruptionOf(pod);
  const taken = disruption && `the cluster took the pod away: ${disruption}`;
  return { reason: 'Failed', message: pod.status?.message || taken || 'build failed for unspecified reasons.' };
}

function rules(init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Rule[] {
  const sidecarsAsInit = init.filter((status) => isSidecarContainer(status.name));
  const inits = init.filter((status) => !isSidecarContainer(status.name));
  const steps = main.filter((status) => isStepContainer(status.name));
  const sidecars = main.filter((status) => isSidecarContainer(status.name));
  return [
    { among: sidecarsAsInit, applies: isOutOfMemory, reason: 'SidecarOOM' },
    { among: inits, applies: isOutOfMemory, reason: 'InitContainerOOM' },
    { among: sidecarsAsInit, applies: exitedBadly, reason: 'SidecarFailed' },
    { among: inits, applies: exitedBadly, reason: 'InitContainerFailed' },
    { among: sidecars, applies: isOutOfMemory, reason: 'SidecarOOM' },
    { among: steps, applies: isOutOfMemory, reason: 'StepOOM' },
    { among: sidecars, applies: exitedBadly, reason: 'SidecarFailed' },
    { among: steps, applies: hasTooLargeResult, reason: resultTooLarge },
    { among: steps, applies: exitedBadly, reason: 'StepFailed' },
    // Containers that a webhook added.
    { among: main, applies: exitedBadly, reason: 'Failed' },
  ];
}

function containerMessage(status: ContainerStatus, pod: Pod): string {
  const { exitCode = 0, reason } = status.state?.terminated ?? {};
  const exited = `${quote(status.name)} exited with code ${exitCode}`;
  if (isCut(status)) return `${exited}, but what it reported is lost: ${cutMessage(status, pod)}; ${wayOut}`;
  const report = reportOf(status);
  switch (report.reason) {
    case resultTooLarge:
      return `${withWhy(`${exited}: its results do not fit its termination message`, report.message)}; ${wayOut}`;
    case 'TaskRunResultNotAFile':
      return `${exited}: ${report.message ?? 'a result is not a regular file'}; write the value itself into the file`;
    case 'TimeoutExceeded':
      return `${quote(status.name)} exited because the step exceeded the specified timeout limit`;
    default:
      return plainMessage(exited, exitCode, reason, report.message ?? refusal(status));
  }
}

/** Of a container that ended in no way that has words of its own. */
function plainMessage(
  exited: string,
  exitCode: number,
  reason: string | undefined,
  reported: string | undefined,
): string {
  return exitCode === 0 ? (reason ?? exited) : withWhy(exited, reported ?? reason);
}

function withWhy(exited: string, why: string | undefined): string {
  return why ? `${exited}: ${why}` : exited;
}

/** Why the runtime could not start the container: it says so where a message of the step would be. */
function refusal({ state }: ContainerStatus): string | undefined {
  const { reason, message } = state?.terminated ?? {};
  const isRefused = reason === 'StartError' || reason === 'ContainerCannotRun';
  return isRefused && message ? `${reason}: ${message}` : undefined;
}

/** How much of a message came through, and why not all of it. */
function cutMessage(status: ContainerStatus, pod: Pod): string {
  const size = Buffer.byteLength(status.state?.terminated?.message ?? '');
  const containers = pod.spec.containers.length + (pod.spec.initContainers ?? []).length;
  return `its termination message was cut at ${size} bytes, as the kubelet keeps 12288 bytes for all containers of a pod and this one has ${containers}, those that webhooks added included`;
}

function hasTooLargeResult(status: ContainerStatus): boolean {
  return isCut(status) || (exitedBadly(status) && reportOf(status).reason === resultTooLarge);
}

function isCut(status: ContainerStatus): boolean {
  return isCutMessage(status.state?.terminated?.message);
}

/** What the entrypoint says of the step's end. */
function reportOf(status: ContainerStatus): StepReport {
  return stepReport(parseTerminationMessage(status.state?.terminated?.message) ?? []);
}

function isOutOfMemory(status: ContainerStatus): boolean {
  return status.state?.terminated?.reason === oomKilled;
}

function exitedBadly(status: ContainerStatus): boolean {
  return (status.state?.terminated?.exitCode ?? 0) !== 0;
}
