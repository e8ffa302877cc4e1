import { isDeepStrictEqual } from 'node:util';
import { defaultEventListener } from '../../api/triggers/defaults.ts';
import { eventListeners, type EventListener, type EventListenerStatus } from '../../api/triggers/objects.ts';
import { validateEventListener } from '../../api/triggers/validate.ts';
import { formatFieldErrors } from '../../api/fielderror.ts';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { unlessNotFound } from '../../kube/api-error.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import type { Cache } from '../../kube/cache.ts';
import {
  deployments,
  endpointSlices,
  podDisruptionBudgets,
  services,
  type Deployment,
  type EndpointSlice,
  type PodDisruptionBudget,
} from '../../kube/resources.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import type { SharedSinkKeeper } from '../shared-sink/keeper.ts';
import type { Move } from '../shared-sink/move.ts';
import { logLevelAnnotation } from '../sink/log-level.ts';
import { isOf, planBudget, type BudgetPlan } from './disruption.ts';
import { generatedName } from './metadata.ts';
import { deploymentOf, replicasAnnotation, serviceOf } from './objects.ts';
import type { ListenerSettings } from './settings.ts';
import { listenerStatus, refusedStatus, type Made } from './status.ts';

export interface ListenerReconcilerOptions {
  client: Pick<KubeClient, 'patch' | 'delete' | 'replaceStatus'>;
  find: (key: string) => EventListener | undefined;
  deployments: Pick<Cache<Deployment>, 'find' | 'observeWrite'>;
  sharedSink: Pick<SharedSinkKeeper, 'plan' | 'finish' | 'forget'>;
  /** Those of a namespace, whoever made them. */
  budgets: (namespace: string) => readonly PodDisruptionBudget[];
  settings: () => ListenerSettings;
  clock: Pick<Clock, 'now'>;
}

const fieldManager = 'tekton-triggers-controller';
/** Holds what a listener no longer says of replicas. */
const replicasManager = 'tekton-triggers-controller-replicas';
/** A refusal may pass: a quota, a policy, a missing namespace. */
const retryMs = 60_000;

/** Makes a listener's objects what they should be, and says in its status how they are. */
export function listenerReconciler(options: ListenerReconcilerOptions) {
  return async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const given = options.find(key);
    if (given === undefined || given.metadata.deletionTimestamp !== undefined) {
      const [namespace = '', name = ''] = key.split('/');
      await options.sharedSink.forget(namespace, name, signal);
      return { kind: 'skip' };
    }
    const listener = defaultEventListener(given);
    const problems = formatFieldErrors(validateEventListener(given));
    const now = `${options.clock.now().toISOString().slice(0, 19)}Z`;
    const settings = options.settings();
    const annotations = { [logLevelAnnotation]: settings.logLevel };
    if (problems !== '') {
      await writeStatus(options, given, { ...refusedStatus(listener, problems, now), annotations }, signal);
      return { kind: 'done' };
    }
    const { made, move } = await make(options, listener, settings, signal);
    const status = listenerStatus(listener, { made, shared: move.condition }, now);
    await writeStatus(options, given, { ...status, annotations }, signal);
    const isRefused = Object.values(made).some((each) => each !== undefined && 'problem' in each);
    const againMs = Math.min(isRefused ? retryMs : Infinity, move.againMs ?? Infinity);
    return againMs === Infinity ? { kind: 'done' } : { kind: 'requeueAfter', ms: againMs };
  };
}

/** First what takes events, then what leads them there, then what is needed no more. */
async function make(
  options: ListenerReconcilerOptions,
  listener: EventListener,
  settings: ListenerSettings,
  signal: AbortSignal,
): Promise<{ made: Made; move: Move }> {
  const { namespace = '' } = listener.metadata;
  const live = options.deployments.find(namespace, generatedName(listener));
  const situation = { listener, settings, deployment: live };
  const move = await options.sharedSink.plan(situation, signal);
  const own = move.own === 'keep' ? await makeOwn(options, listener, settings, signal) : {};
  const slices = move.slices === 'write' ? await writeSlices(options, move.wanted, signal) : undefined;
  const service = await applied(options, services, serviceOf(listener, settings, move), signal);
  const made = { ...own, service, slices };
  if ('problem' in service || slices !== undefined) return { made, move };
  await options.sharedSink.finish(situation, move, signal);
  if (move.own === 'remove') await removeOwn(options, listener, live, signal);
  return { made, move };
}

async function makeOwn(
  options: ListenerReconcilerOptions,
  listener: EventListener,
  settings: ListenerSettings,
  signal: AbortSignal,
): Promise<Pick<Made, 'deployment' | 'budget'>> {
  const wanted = deploymentOf(listener, settings);
  await handOverReplicas(options, wanted, signal);
  const deployment = await applied(options, deployments, wanted, signal);
  if ('problem' in deployment) return { deployment };
  options.deployments.observeWrite(deployment);
  const budgets = options.budgets(listener.metadata.namespace ?? '');
  const budget = await keepBudget(options, listener, planBudget(listener, settings, deployment, budgets), signal);
  return { deployment, budget };
}

/** What a listener's pods were, if they were its own. They bring to its end what they accepted. */
async function removeOwn(
  { client, budgets }: ListenerReconcilerOptions,
  listener: EventListener,
  live: Deployment | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '' } = listener.metadata;
  const name = generatedName(listener);
  const budget = budgets(namespace).find(({ metadata }) => metadata.name === name);
  if (budget !== undefined && isOf(listener, budget))
    await client.delete(podDisruptionBudgets, namespace, name, { signal }).catch(unlessNotFound);
  if (live !== undefined && isOf(listener, live))
    await client.delete(deployments, namespace, name, { signal }).catch(unlessNotFound);
}

async function writeSlices(
  options: ListenerReconcilerOptions,
  wanted: readonly EndpointSlice[],
  signal: AbortSignal,
): Promise<{ problem: string } | undefined> {
  for (const slice of wanted) {
    const written = await applied(options, endpointSlices, slice, signal);
    if ('problem' in written) return written;
  }
  return undefined;
}

async function keepBudget(
  options: ListenerReconcilerOptions,
  listener: EventListener,
  plan: BudgetPlan,
  signal: AbortSignal,
): Promise<Made['budget']> {
  switch (plan.kind) {
    case 'leave':
      return undefined;
    case 'make':
      return applied(options, podDisruptionBudgets, plan.budget, signal);
    case 'remove': {
      const { namespace } = listener.metadata;
      return attempted(async () => {
        const name = generatedName(listener);
        await options.client.delete(podDisruptionBudgets, namespace, name, { signal }).catch(unlessNotFound);
        return undefined;
      });
    }
    default:
      return plan satisfies never;
  }
}

/**
 * A listener that no longer says how many replicas there are leaves them as they are: a field that its only holder
 * lets go would go back to 1.
 */
async function handOverReplicas(
  options: ListenerReconcilerOptions,
  { apiVersion, kind, metadata, spec }: Deployment,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name = '' } = metadata;
  const live = options.deployments.find(namespace, name);
  const isHeld = live?.metadata.annotations?.[replicasAnnotation] !== undefined;
  if (spec?.replicas !== undefined || !isHeld) return;
  const body = { apiVersion, kind, metadata: { namespace, name }, spec: { replicas: live?.spec?.replicas } };
  const patch = { type: 'apply' as const, body, fieldManager: replicasManager, force: false };
  // A conflict: somebody else holds it by now, with another number.
  await attempted(() => options.client.patch(deployments, namespace, name, { ...patch, signal }));
}

/** By server-side apply: what others set in fields that we do not have (replicas, annotations, node ports) stays. */
function applied<T extends KubeObject>(
  { client }: ListenerReconcilerOptions,
  resource: Resource<T>,
  object: T,
  signal: AbortSignal,
): Promise<T | { problem: string }> {
  const { namespace, name = '' } = object.metadata;
  const patch = { type: 'apply' as const, body: object, fieldManager, force: true };
  return attempted(() => client.patch(resource, namespace, name, { ...patch, signal }));
}

/** What the API server refuses is a problem to tell; what may pass at once is thrown. */
async function attempted<T>(work: () => Promise<T>): Promise<T | { problem: string }> {
  try {
    return await work();
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
