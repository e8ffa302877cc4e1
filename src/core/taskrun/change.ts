import { isDeepStrictEqual } from 'node:util';
import type { StepState, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../condition.ts';

/**
 * Whether a new status says anything that a user or another controller waits for: another condition, a first sight of the pod, a step
 * that has ended. What a pod shows on its ordinary way up (`ordinaryPending`) is none, nor are containers that begin to run.
 */
export function isNews(before: TaskRunStatus, after: TaskRunStatus, ordinaryPending: boolean): boolean {
  const [was, is] = [succeededCondition(before), succeededCondition(after)];
  if (was?.status !== is?.status || was?.reason !== is?.reason) return true;
  if (!ordinaryPending && was?.message !== is?.message) return true;
  const same = before.podName === after.podName && before.startTime === after.startTime && (before.taskSpec === undefined) === (after.taskSpec === undefined);
  return !same || !isDeepStrictEqual(ended(before.steps), ended(after.steps));
}

function ended(steps: StepState[] | undefined): unknown[] {
  return (steps ?? []).filter((step) => step.terminated).map((step) => step.container);
}
