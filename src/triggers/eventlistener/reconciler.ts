import { isDeepStrictEqual } from 'node:util';
import { defaultEventListener } from '../../api/triggers/defaults.ts';
import { eventListeners, type EventListener, type EventListenerStatus } from '../../api/triggers/objects.ts';
import { validateEventListener } from '../../api/triggers/validate.ts';
import { formatFieldErrors } from '../../api/fielderror.ts';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import { deployments, services } from '../../kube/resources.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import { deploymentOf, serviceOf, type ListenerSettings } from './objects.ts';
import { listenerStatus, refusedStatus, type Made } from './status.ts';

export interface ListenerReconcilerOptions {
  client: Pick<KubeClient, 'patch' | 'replaceStatus'>;
  find: (key: string) => EventListener | undefined;
  settings: () => ListenerSettings;
  clock: Pick<Clock, 'now'>;
}

const fieldManager = 'tekton-triggers-controller';
/** A refusal may pass: a quota, a policy, a missing namespace. */
const retryMs = 60_000;

/** Makes a listener's Deployment and Service what they should be, and says in its status how they are. */
export function listenerReconciler(options: ListenerReconcilerOptions) {
  return async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const given = options.find(key);
    if (given === undefined || given.metadata.deletionTimestamp !== undefined) return { kind: 'skip' };
    const listener = defaultEventListener(given);
    const problems = formatFieldErrors(validateEventListener(given));
    const now = `${options.clock.now().toISOString().slice(0, 19)}Z`;
    if (problems !== '') {
      await writeStatus(options, given, refusedStatus(listener, problems, now), signal);
      return { kind: 'done' };
    }
    const settings = options.settings();
    const made: Made = {
      deployment: await applied(options, deployments, deploymentOf(listener, settings), signal),
      service: await applied(options, services, serviceOf(listener, settings), signal),
    };
    await writeStatus(options, given, listenerStatus(listener, made, now), signal);
    return Object.values(made).some((each) => 'problem' in each)
      ? { kind: 'requeueAfter', ms: retryMs }
      : { kind: 'done' };
  };
}

/** By server-side apply: what others set in fields that we do not have (replicas, annotations, node ports) stays. */
async function applied<T extends KubeObject>(
  { client }: ListenerReconcilerOptions,
  resource: Resource<T>,
  object: T,
  signal: AbortSignal,
): Promise<T | { problem: string }> {
  const { namespace, name = '' } = object.metadata;
  try {
    const patch = { type: 'apply' as const, body: object, fieldManager, force: true };
    return await client.patch(resource, namespace, name, patch, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429)
      return { problem: messageOf(error) };
    throw error;
  }
}

async function writeStatus(
  { client }: ListenerReconcilerOptions,
  listener: EventListener,
  status: EventListenerStatus,
  signal: AbortSignal,
): Promise<void> {
  if (isDeepStrictEqual(listener.status, status)) return;
  await client.replaceStatus(eventListeners, { ...listener, status }, { signal });
}
