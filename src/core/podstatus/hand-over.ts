import { isStepContainer } from '../pod/names.ts';
import type { ContainerStatus, Pod } from '../pod/types.ts';
import { isFinished, orderedStatuses } from './order.ts';
import { isCutMessage, parseTerminationMessage } from './termination.ts';

/** Steps that watched one which was killed skip by themselves within 2 s (src/entrypoint/CONTRACT.md). */
const patienceMs = 15_000;

/**
 * Steps hand over to each other inside the pod. One whose container could not start, or that was killed before the next
 * one looked, hands over to nobody: the others would wait until the run's time is over.
 * @returns milliseconds until the pod counts as stuck; undefined when it does, or when every step that ended told so
 */
export function soonStuckMs(pod: Pod, now: Date): number | undefined {
  return stuckInMs(pod, now) || undefined;
}

/** Whether it counts as stuck by now. */
export function isStuck(pod: Pod, now: Date): boolean {
  return stuckInMs(pod, now) === 0;
}

/** Whether the last step ended so, with which every one has: who waits for it in the pod may not have noticed. */
export function lastStepToldNothing(pod: Pod): boolean {
  const last = orderedStatuses(pod).findLast(({ name }) => isStepContainer(name));
  return last !== undefined && endedWithoutAWord(last);
}

function stuckInMs(pod: Pod, now: Date): number | undefined {
  if (isFinished(pod)) return undefined;
  const steps = orderedStatuses(pod).filter(({ name }) => isStepContainer(name));
  const lost = steps.find(endedWithoutAWord)?.state?.terminated;
  if (lost === undefined) return undefined;
  const end = Date.parse(lost.finishedAt ?? '');
  return Math.max(0, (Number.isNaN(end) ? 0 : end) + patienceMs - now.getTime());
}

/** The entrypoint leaves a message of its own before it lets the next step go, whatever the command wrote there. */
function endedWithoutAWord({ state }: ContainerStatus): boolean {
  const { exitCode = 0, message } = state?.terminated ?? {};
  return exitCode !== 0 && !isCutMessage(message) && parseTerminationMessage(message) === undefined;
}
