import { isDone } from '../condition.ts';
import { isStepContainer } from '../pod/names.ts';
import type { ContainerTerminated, Pod } from '../pod/types.ts';
import { readSidecars } from '../podstatus/steps.ts';
import type { Phase, PlanContext } from './context.ts';
import type { TaskRunDecision, TaskRunEffect } from './facts.ts';

/**
 * A run that is over is never started again and its outcome never changed. What is left: sidecars that still run are
 * stopped, and once they have ended the status says so.
 */
export const done: Phase = (context) => {
  const { status, pod } = context;
  if (!isDone(status)) return undefined;
  if (pod === undefined) return { status, effects: [] };
  return endedSidecars(context, pod) ?? stopSidecars(context, pod);
};

function stopSidecars({ status, facts }: PlanContext, pod: Pod): TaskRunDecision {
  const { nop } = facts.settings.images;
  const images = runningSidecars(pod, nop).map((index) => ({ index, image: nop }));
  if (images.length === 0 || pod.metadata.deletionTimestamp) return { status, effects: [] };
  const { name = '', namespace = '' } = pod.metadata;
  const effect: TaskRunEffect = {
    type: 'patchPod',
    namespace,
    name,
    purpose: 'stopSidecars',
    patch: { kind: 'images', images },
  };
  return { status, effects: [effect] };
}

/** Places of containers other than steps, injected ones too, that run an image of their own. */
function runningSidecars(pod: Pod, nop: string): number[] {
  if (pod.status?.phase !== 'Running') return [];
  const running = new Set(
    (pod.status.containerStatuses ?? [])
      .filter((container) => container.state?.running)
      .map((container) => container.name),
  );
  return pod.spec.containers.flatMap(({ name, image }, index) =>
    !isStepContainer(name) && running.has(name) && image !== nop ? [index] : [],
  );
}

/** One write when the last sidecar has ended, none before. */
function endedSidecars({ status, facts }: PlanContext, pod: Pod): TaskRunDecision | undefined {
  const known = status.sidecars ?? [];
  if (known.every((sidecar) => sidecar.terminated)) return undefined;
  const now = readSidecars(pod);
  if (now.length === 0 || !now.every((sidecar) => sidecar.terminated)) return undefined;
  const stopped = new Map(
    pod.spec.containers
      .filter(({ image }) => image === facts.settings.images.nop)
      .map(({ name }) => [name, lastEnd(pod, name)]),
  );
  const sidecars = now.map((sidecar) => {
    const end = stopped.get(sidecar.container ?? '');
    return end === undefined ? sidecar : { ...sidecar, terminated: { ...sidecar.terminated, ...end } };
  });
  return { status: { ...status, sidecars }, effects: [] };
}

/** The end of the sidecar itself, as opposed to that of the image that took its place and that has no such command. */
function lastEnd(pod: Pod, name: string): ContainerTerminated {
  const last = pod.status?.containerStatuses?.find((status) => status.name === name)?.lastState?.terminated;
  return {
    ...last,
    exitCode: last?.exitCode ?? 0,
    reason: 'Completed',
    message: 'Sidecar container successfully stopped by nop image',
  };
}
