import type { Pod } from '../../kube/resources.ts';

/** A container of a TaskRun's pod: its name, and the name users know it by. */
export interface StepContainer {
  container: string;
  step: string;
  init: boolean;
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
export type ContainerState = NonNullable<ContainerStatus['state']>;

/**
 * The containers to read, in the pod's order; only `steps` when some are named. With `allSteps` the init containers
 * come first, but those that run beside the steps (sidecars of Kubernetes' own kind) last: their logs end with the pod.
 */
export function selectContainers(pod: Pod, choice: { allSteps: boolean; steps: readonly string[] }): StepContainer[] {
  const containers = (pod.spec?.containers ?? []).map(({ name }) => named(name, false));
  const wanted = choice.steps.length > 0 ? containers.filter(({ step }) => choice.steps.includes(step)) : containers;
  if (!choice.allSteps) return wanted;
  const init = (pod.spec?.initContainers ?? []).map(({ name, restartPolicy }) => ({
    ...named(name, true),
    beside: restartPolicy === 'Always',
  }));
  return [...init.filter(({ beside }) => !beside), ...wanted, ...init.filter(({ beside }) => beside)].map(
    ({ container, step, init: isInit }) => ({ container, step, init: isInit }),
  );
}

function named(container: string, init: boolean): StepContainer {
  return { container, step: container.replace(/^step-/, ''), init };
}

export function stateOf(pod: Pod, container: StepContainer): ContainerState | undefined {
  const statuses = container.init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
  return statuses?.find((status) => status.name === container.container)?.state;
}

/** Whether there is a log to read. */
export function hasStarted(state: ContainerState | undefined): boolean {
  return state?.running !== undefined || state?.terminated !== undefined;
}

/**
 * Sidecars run beside the steps and are killed after them: they end when the TaskRun is over and not the other way
 * round.
 */
export function isSidecar({ container }: StepContainer): boolean {
  return container.startsWith('sidecar-');
}

/**
 * What went wrong in a container, in tkn's words; undefined when nothing did or it still runs. tkn knows of exit code 1
 * only; we report the others of steps too. Those of sidecars say that they were killed, which is how sidecars end.
 */
export function containerFailure(pod: Pod, container: StepContainer): string | undefined {
  const terminated = stateOf(pod, container)?.terminated;
  if (!terminated || terminated.exitCode === 0 || (isSidecar(container) && terminated.exitCode !== 1)) return undefined;
  if (container.init) return `container ${container.container} has failed: ${terminated.reason ?? ''}`;
  const said = [terminated.reason, terminated.message]
    .filter((text) => text && text !== 'Error')
    .map((text) => ` : ${text}`);
  return `container ${container.container} has failed ${said.join('')}`;
}

/** The pod will run no more containers. */
export function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/**
 * Whether logs can be read; undefined while the pod is still being started.
 * @throws with the reason when it will not start.
 */
export function isReadable(pod: Pod): true | undefined {
  if (pod.metadata.deletionTimestamp) throw new Error(`failed to run the pod ${pod.metadata.name ?? ''}`);
  if (pod.status?.phase === 'Running' || isOver(pod)) return true;
  const broken = pod.status?.conditions?.find(
    ({ type, status }) => (type === 'Initialized' || type === 'ContainersReady') && status === 'Unknown',
  );
  if (broken) throw new Error(broken.message ?? `the pod's condition ${broken.type} is unknown`);
  return undefined;
}

const PULL = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
const STUCK = new Set([
  ...PULL,
  'CreateContainerConfigError',
  'CreateContainerError',
  'CrashLoopBackOff',
  'RunContainerError',
]);

/** Something that keeps a pod from starting. The same `cause` is the same trouble, however the kubelet words it now. */
export interface Hindrance {
  cause: string;
  sentence: string;
}

/** What a pod waits for that may never come: people wait for these without knowing. */
export function hindrances(pod: Pod): Hindrance[] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const stuck = statuses.flatMap(({ name, state }) => {
    const { reason = '', message } = state?.waiting ?? {};
    if (!STUCK.has(reason)) return [];
    return [
      {
        cause: `${name} ${PULL.has(reason) ? 'pull' : reason}`,
        sentence: `container ${name} is waiting: ${reason}${detail(message)}`,
      },
    ];
  });
  const unscheduled = pod.status?.conditions?.find(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  );
  if (!unscheduled) return stuck;
  return [
    { cause: 'node', sentence: `pod ${pod.metadata.name ?? ''} is waiting for a node${detail(unscheduled.message)}` },
    ...stuck,
  ];
}

function detail(message: string | undefined): string {
  return message ? `: ${message}` : '';
}
