import type { ResolutionRequest, ResolutionRequestStatus } from '../../api/resolution/resolution-request.ts';
import type { Condition } from '../../api/meta.ts';
import type { ResolvedDefinition } from '../resolver.ts';

/** Upstream's reasons. */
export const resolutionReasons = {
  inProgress: 'ResolutionInProgress',
  successful: 'ResolutionSuccessful',
  failed: 'ResolutionFailed',
  timedOut: 'ResolutionTimedOut',
} as const;

export const waitingMessage = 'waiting for resolver';

export function succeededCondition(request: Pick<ResolutionRequest, 'status'>): Condition | undefined {
  return request.status?.conditions?.find(({ type }) => type === 'Succeeded');
}

/** Whether it came to an end, well or not. */
export function isResolved(request: Pick<ResolutionRequest, 'status'>): boolean {
  const status = succeededCondition(request)?.status;
  return status === 'True' || status === 'False';
}

/** Whether a request that changed is news to who waits for it. */
export function isNews(request: Pick<ResolutionRequest, 'status'>): boolean {
  return isResolved(request) || Boolean(request.status?.data);
}

/** Milliseconds since a request was made. */
export function ageMs({ metadata }: Pick<ResolutionRequest, 'metadata'>, now: Date): number {
  const created = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(created) ? 0 : now.getTime() - created;
}

/**
 * The status of a request with its answer: data and condition in one write. Upstream's resolvers write only the data,
 * and its controller the condition; either order is understood by both.
 */
export function resolvedStatus(definition: ResolvedDefinition, now: Date): ResolutionRequestStatus {
  const { data, annotations, refSource } = definition;
  return {
    annotations: { ...annotations },
    data: data.toString('base64'),
    source: refSource,
    refSource,
    conditions: [condition('True', now)],
  };
}

export function failedStatus(reason: string, message: string, now: Date): ResolutionRequestStatus {
  return { conditions: [condition('False', now, reason, message)] };
}

export function waitingStatus(now: Date): ResolutionRequestStatus {
  return { conditions: [condition('Unknown', now, resolutionReasons.inProgress, waitingMessage)] };
}

export function succeededStatus(now: Date): ResolutionRequestStatus {
  return { conditions: [condition('True', now)] };
}

function condition(status: Condition['status'], now: Date, reason?: string, message?: string): Condition {
  const lastTransitionTime = now.toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    type: 'Succeeded',
    status,
    lastTransitionTime,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}
