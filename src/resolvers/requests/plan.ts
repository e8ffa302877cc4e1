import type { ResolutionRequest, ResolutionRequestStatus } from '../../api/resolution/resolution-request.ts';
import { formatDuration } from '../../duration.ts';
import {
  ageMs,
  failedStatus,
  isResolved,
  resolutionReasons,
  succeededCondition,
  succeededStatus,
  waitingStatus,
} from '../contract/status.ts';

export interface RequestPlan {
  /** To be written; undefined: nothing is to be said. */
  status?: ResolutionRequestStatus;
  requeueAfterMs?: number;
}

/**
 * A resolver that answers makes a word about waiting needless: it would be a write more, and a conflict for the
 * resolver's own. Ours answer within their fetch-timeout, a minute unless an operator says otherwise: only a request
 * that has waited longer is likely to have nobody who answers it, and only a longer limit than the default lets it.
 */
const quietMs = 60_000;

/**
 * What the controller does about a request, whoever resolves it: data that is there makes it a success, too much time a
 * failure, and until then it waits, which is said after a while.
 */
export function planRequest(request: ResolutionRequest, limitMs: number, now: Date): RequestPlan {
  if (isResolved(request) || request.metadata.deletionTimestamp) return {};
  if (request.status?.data) return { status: succeededStatus(now) };
  const age = ageMs(request, now);
  if (age >= limitMs)
    return { status: failedStatus(resolutionReasons.timedOut, unansweredMessage(request, limitMs), now) };
  const isTold = succeededCondition(request) !== undefined;
  if (!isTold && age >= quietMs) return { status: waitingStatus(now), requeueAfterMs: limitMs - age };
  return { requeueAfterMs: isTold ? limitMs - age : Math.min(quietMs - age, limitMs - age) };
}

function unansweredMessage({ metadata }: ResolutionRequest, limitMs: number): string {
  const resolver = metadata.labels?.['resolution.tekton.dev/type'] ?? 'a resolver';
  return `resolution took longer than global timeout of ${formatDuration(limitMs)}: nobody answered it as ${resolver}; see whether that resolver is installed, enabled and running (default-maximum-resolution-timeout is the limit)`;
}
