import { isAbort, messageOf } from '../errors.ts';
import { isConflict } from '../kube/client.ts';
import { ReconcileDeadline, type ControllerOptions } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Store } from '../kube/store.ts';

type Reconcile = ControllerOptions['reconcile'];

/**
 * What keeps a run from going on is told on the run, as upstream does (reason InternalError), not in the log alone. A
 * lost optimistic lock and the end of the process are no failures; work that took too long is.
 */
export function tellingFailures<T extends KubeObject>(
  events: Pick<EventRecorder, 'event'>,
  cache: Pick<Store<T>, 'get'>,
  kind: string,
  reconcile: Reconcile,
): Reconcile {
  return async (key, signal) => {
    try {
      return await reconcile(key, signal);
    } catch (error) {
      const object = cache.get(key);
      const isLate = signal.reason instanceof ReconcileDeadline;
      const passing = !isLate && (isAbort(error, signal) || isConflict(error));
      if (object && !passing)
        events.event(
          { apiVersion: 'tekton.dev/v1', kind, metadata: object.metadata },
          'Warning',
          'InternalError',
          messageOf(isLate ? signal.reason : error),
        );
      throw error;
    }
  };
}
