import type { Condition } from '../../api/meta.ts';
import type { EventListener, EventListenerStatus } from '../../api/triggers/objects.ts';
import type { Deployment, PodDisruptionBudget, Service } from '../../kube/resources.ts';
import { sharedSinkCondition, type SharedSinkCondition } from '../shared-sink/move.ts';
import { generatedName } from './metadata.ts';
import { addressOf } from './objects.ts';

/** What came of making a listener's objects. */
export interface Made {
  /** Undefined: it has no pods of its own. */
  deployment?: Deployment | { problem: string } | undefined;
  service: Service | { problem: string };
  /** Undefined: there is none, and none is needed. */
  budget?: PodDisruptionBudget | { problem: string } | undefined;
  /** EndpointSlices of the shared sink, where one could not be written. */
  slices?: { problem: string } | undefined;
}

type Unstamped = Omit<Condition, 'lastTransitionTime'>;

/** The status that says how a listener is: its objects, what the Deployment says of itself, and Ready for all of it. */
export function listenerStatus(
  listener: EventListener,
  { made, shared }: { made: Made; shared: SharedSinkCondition | undefined },
  now: string,
): EventListenerStatus {
  const before = listener.status?.conditions ?? [];
  const conditions = [
    ...(made.deployment === undefined
      ? availability(shared)
      : [...deploymentConditions(made.deployment), existence('Deployment', made.deployment)]),
    ...(shared === undefined ? [] : [sharedCondition(shared, made)]),
    existence('Service', made.service),
    ...(made.budget === undefined ? [] : [existence('PodDisruptionBudget', made.budget)]),
  ];
  const all = [...conditions, readiness(conditions, made.deployment === undefined ? ofShared : ofOwn)].sort((a, b) =>
    a.type < b.type ? -1 : 1,
  );
  return {
    ...(listener.metadata.generation === undefined ? {} : { observedGeneration: listener.metadata.generation }),
    ...('problem' in made.service ? {} : { address: { url: addressOf(listener) } }),
    configuration: { generatedName: generatedName(listener) },
    conditions: all.map((condition) => stamped(condition, before, now)),
  };
}

/** A listener that cannot be made at all, and why. */
export function refusedStatus(listener: EventListener, problem: string, now: string): EventListenerStatus {
  const ready: Unstamped = { type: 'Ready', status: 'False', reason: 'Invalid', message: problem };
  return {
    ...(listener.metadata.generation === undefined ? {} : { observedGeneration: listener.metadata.generation }),
    configuration: { generatedName: generatedName(listener) },
    conditions: [stamped(ready, listener.status?.conditions ?? [], now)],
  };
}

function existence(
  type: 'Deployment' | 'PodDisruptionBudget' | 'Service',
  made: object | { problem: string },
): Unstamped {
  return 'problem' in made
    ? { type, status: 'False', message: String(made.problem) }
    : { type, status: 'True', message: `${type} exists` };
}

function sharedCondition(shared: SharedSinkCondition, { slices }: Made): Unstamped {
  if (slices === undefined) return { type: sharedSinkCondition, ...shared };
  return { type: sharedSinkCondition, status: 'False', reason: 'NotServed', message: slices.problem };
}

/** In the place of what a Deployment says: kubectl shows it. */
function availability(shared: SharedSinkCondition | undefined): Unstamped[] {
  return shared === undefined ? [] : [{ type: 'Available', ...shared }];
}

function deploymentConditions(deployment: NonNullable<Made['deployment']>): Unstamped[] {
  if ('problem' in deployment) return [];
  return (deployment.status?.conditions ?? []).map(({ type, status, reason, message }) => ({
    type,
    status: status as Condition['status'],
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  }));
}

/** In this order the first that is not true is named. */
const ofOwn = ['Service', 'Deployment', 'Progressing', 'Available'];
const ofShared = ['Service', sharedSinkCondition];

function readiness(conditions: readonly Unstamped[], needed: readonly string[]): Unstamped {
  for (const type of needed) {
    const found = conditions.find((condition) => condition.type === type);
    if (found === undefined)
      return {
        type: 'Ready',
        status: 'False',
        message: `Condition ${type} is not known yet: the Deployment has just been made`,
      };
    if (found.status !== 'True')
      return {
        type: 'Ready',
        status: 'False',
        ...(found.reason === undefined ? {} : { reason: found.reason }),
        message: `Condition ${type} has status: ${found.status} with message: ${found.message ?? ''}`,
      };
  }
  return { type: 'Ready', status: 'True', message: 'EventListener is ready' };
}

function stamped(condition: Unstamped, before: readonly Condition[], now: string): Condition {
  const old = before.find(({ type }) => type === condition.type);
  const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now;
  return { ...condition, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) };
}
