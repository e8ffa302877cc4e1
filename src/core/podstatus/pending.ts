import type { Defaults } from '../../api/config/config-defaults.ts';
import { isSidecarContainer, isStepContainer, withoutSidecarPrefix, withoutStepPrefix } from '../pod/names.ts';
import type { ContainerStatus, Pod } from '../pod/types.ts';
import { orderedStatuses } from './order.ts';
import { quote } from './quote.ts';

/** What a pod that has not started says of itself. */
export interface PendingState {
  reason: string;
  message: string;
  /** Something a user must learn of now, as opposed to a pod on its ordinary way up. */
  notable: boolean;
}

/** Reasons of a container that waits for its image (kubelet/images/types.go). */
const imageErrors = new Set([
  'ImagePullBackOff',
  'ImageInspectError',
  'ErrImagePull',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'InvalidImageName',
]);
/** Those that will not mend by themselves; ImagePullBackOff may be given time by the operator. */
const fatalImageErrors = new Set(['ImagePullBackOff', 'InvalidImageName']);

export function pendingState(pod: Pod): PendingState {
  const message = waitingMessage(pod);
  if (exceedsNodeResources(pod))
    return { reason: 'ExceededNodeResources', message: 'TaskRun Pod exceeded available resources', notable: true };
  if (waiting(pod).some(({ reason }) => imageErrors.has(reason)))
    return { reason: 'PullImageFailed', message, notable: true };
  return {
    reason: 'Pending',
    message,
    notable: waiting(pod).some((container) => container.message !== '') || isUnschedulable(pod),
  };
}

export function exceedsNodeResources(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(
    (condition) => condition.reason === 'Unschedulable' && (condition.message ?? '').includes('Insufficient'),
  );
}

function isUnschedulable(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  );
}

function waitingMessage(pod: Pod): string {
  const container = waiting(pod).find(({ message }) => message !== '');
  if (container) return `build step ${quote(container.name)} is pending with reason ${quote(container.message)}`;
  const condition = (pod.status?.conditions ?? []).find((candidate) => candidate.status !== 'True');
  if (condition)
    return `pod status ${quote(condition.type)}:${quote(condition.status)}; message: ${quote(condition.message ?? '')}`;
  return pod.status?.message || 'Pending';
}

interface Waiting {
  name: string;
  reason: string;
  message: string;
}

/** Containers that wait, init containers too: their image may be the one that cannot be had. */
function waiting(pod: Pod): Waiting[] {
  const all: ContainerStatus[] = [...orderedStatuses(pod), ...(pod.status?.initContainerStatuses ?? [])];
  return all.flatMap(({ name, state }) =>
    state?.waiting ? [{ name, reason: state.waiting.reason ?? '', message: state.waiting.message ?? '' }] : [],
  );
}

/** A pod that will never start: the run fails now and the pod goes. */
export interface StartFailure {
  reason: string;
  message: string;
}

/**
 * Why a pod cannot start, once the operator's patience is at its end; `retryAfterMs` says when to look again while it
 * is not.
 */
export function startFailure(
  pod: Pod,
  taskRun: string,
  defaults: Defaults,
  now: Date,
): StartFailure | { retryAfterMs: number } | undefined {
  for (const container of waiting(pod)) {
    const patience = patienceMs(container, defaults);
    if (patience === undefined) continue;
    const left = patience - waitedMs(pod, now);
    return left > 0 ? { retryAfterMs: left } : describe(pod, container, taskRun);
  }
  return undefined;
}

/** Milliseconds that this state may last; undefined for states that are no failure. */
function patienceMs({ reason, message }: Waiting, defaults: Defaults): number | undefined {
  if (fatalImageErrors.has(reason)) return reason === 'ImagePullBackOff' ? defaults.imagePullBackOffTimeoutMs : 0;
  if (reason === 'CreateContainerError') return defaults.createContainerErrorTimeoutMs;
  if (reason !== 'CreateContainerConfigError') return undefined;
  // Another pod makes the same folder of a shared claim at this moment; the kubelet tries again.
  if (message.includes('failed to create subPath directory')) return undefined;
  // A node under load may need more than one try.
  return message.includes('context deadline exceeded') ? defaults.createContainerErrorTimeoutMs : 0;
}

/** How long the pod has been able to start containers. */
function waitedMs(pod: Pod, now: Date): number {
  const times = (pod.status?.conditions ?? [])
    .filter((condition) => condition.type === 'Initialized' || condition.type === 'PodReadyToStartContainers')
    .map((condition) => Date.parse(condition.lastTransitionTime ?? ''))
    .filter((time) => !Number.isNaN(time));
  return (
    now.getTime() - Math.max(...(times.length > 0 ? times : [Date.parse(pod.metadata.creationTimestamp ?? '') || 0]))
  );
}

function describe(pod: Pod, container: Waiting, taskRun: string): StartFailure {
  if (container.reason === 'CreateContainerError') {
    return {
      reason: 'PodCreationFailed',
      message: `${role(container.name)} in TaskRun ${quote(taskRun)} failed to start. The pod errored with the message: "${container.message}."`,
    };
  }
  if (container.reason === 'CreateContainerConfigError') {
    return {
      reason: 'CreateContainerConfigError',
      message: `Failed to create pod due to config error: container ${quote(container.name)}: ${container.message}`,
    };
  }
  const image =
    [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((candidate) => candidate.name === container.name)
      ?.image ?? '';
  return {
    reason: 'TaskRunImagePullFailed',
    message: `${role(container.name)} in TaskRun ${quote(taskRun)} failed to pull the image ${quote(image)}. The pod errored with the message: "${container.message}."`,
  };
}

function role(name: string): string {
  if (isStepContainer(name)) return `the step ${quote(withoutStepPrefix(name))}`;
  return isSidecarContainer(name) ? `the sidecar ${quote(withoutSidecarPrefix(name))}` : `the container ${quote(name)}`;
}
