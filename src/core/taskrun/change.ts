import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../condition.ts';

const verdict = ['status', 'reason'] as const;
const wholeCondition = [...verdict, 'message'] as const;

/**
 * Whether a new status says anything that a user or another controller waits for: another condition, a first sight of
 * the pod. What a pod shows on its ordinary way up (`ordinaryPending`) is none; steps that begin and end are progress,
 * which may wait a moment.
 */
export function isNews(before: TaskRunStatus, after: TaskRunStatus, ordinaryPending: boolean): boolean {
  const telling = ordinaryPending ? verdict : wholeCondition;
  const [was, is] = [succeededCondition(before), succeededCondition(after)];
  if (telling.some((field) => was?.[field] !== is?.[field])) return true;
  return (
    before.podName !== after.podName ||
    before.startTime !== after.startTime ||
    (before.taskSpec === undefined) !== (after.taskSpec === undefined)
  );
}
