import { resolutionRequests, type ResolutionRequest } from '../../api/resolution/resolution-request.ts';
import type { Clock } from '../../clock.ts';
import { isConflict, isNotFound, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import { planRequest } from './plan.ts';

export interface RequestReconcilerOptions {
  client: Pick<KubeClient, 'patch'>;
  requests: { get(key: string): ResolutionRequest | undefined };
  /** default-maximum-resolution-timeout */
  limitMs: () => number;
  clock: Clock;
}

/** Holds the global time limit of ResolutionRequests, and calls those a success that have data. */
export function createResolutionRequestReconciler(options: RequestReconcilerOptions) {
  return async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const request = options.requests.get(key);
    if (request === undefined) return { kind: 'skip' };
    const { status, requeueAfterMs } = planRequest(request, options.limitMs(), options.clock.now());
    if (status !== undefined) {
      const { namespace, name = '', resourceVersion } = request.metadata;
      const body = { metadata: { resourceVersion }, status };
      try {
        const patch = { type: 'merge', body, subresource: 'status' } as const;
        await options.client.patch(resolutionRequests, namespace, name, { ...patch, signal });
      } catch (error) {
        // Its resolver answered in between, or it is gone: the change comes by itself.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    return requeueAfterMs === undefined ? { kind: 'done' } : { kind: 'requeueAfter', ms: Math.max(requeueAfterMs, 1) };
  };
}
