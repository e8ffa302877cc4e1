import type { EventListener } from '../../api/triggers/objects.ts';
import type { Cache } from '../../kube/cache.ts';
import { controllerKey } from '../../kube/owners.ts';
import { joinKey } from '../../kube/object.ts';
import type { Deployment, PodDisruptionBudget } from '../../kube/resources.ts';
import type { Change } from '../../kube/store.ts';
import type { KubeObject } from '../../resource.ts';
import { hasLabels } from '../sink/select.ts';
import { generatedName, metadataOf, selectorOf } from './metadata.ts';
import type { ListenerSettings } from './settings.ts';

/** What is to be done about the PodDisruptionBudget of a listener's pods. */
export type BudgetPlan = { kind: 'make'; budget: PodDisruptionBudget } | { kind: 'remove' } | { kind: 'leave' };

/**
 * One while there are several pods, whoever scales them. None beside another that selects them: the API server evicts
 * no pod of two budgets, so that a node could not be drained.
 */
export function planBudget(
  listener: EventListener,
  settings: ListenerSettings,
  deployment: Deployment,
  budgets: readonly PodDisruptionBudget[],
): BudgetPlan {
  const name = generatedName(listener);
  const here = budgets.filter(({ metadata }) => metadata.namespace === listener.metadata.namespace);
  const named = here.find(({ metadata }) => metadata.name === name);
  const isOwn = named !== undefined && isOf(listener, named);
  const labels = deployment.spec?.template.metadata?.labels ?? {};
  const others = here.filter((budget) => !(isOwn && budget === named));
  const isCovered = others.some((budget) => budget === named || selects(budget, labels));
  const isWanted = (deployment.spec?.replicas ?? 1) > 1 && !isCovered;
  if (isWanted) return { kind: 'make', budget: budgetOf(listener, settings) };
  return isOwn ? { kind: 'remove' } : { kind: 'leave' };
}

/** The listeners for whose pods a change of a PodDisruptionBudget may matter; its status is no news. */
export function listenersBeside(
  { type, object, old }: Change<PodDisruptionBudget>,
  listeners: Pick<Cache<EventListener>, 'entries'>,
): string[] {
  if (type === 'updated' && object.metadata.generation === old?.metadata.generation) return [];
  return [...listeners.entries()].flatMap(([key, { metadata }]) =>
    metadata.namespace === object.metadata.namespace ? [key] : [],
  );
}

/** Whether an object was made for this very listener. */
export function isOf({ metadata }: EventListener, object: KubeObject): boolean {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
  return (
    controllerKey(object, 'EventListener') === joinKey(metadata.namespace, metadata.name ?? '') &&
    owner?.uid === metadata.uid
  );
}

/** policy/v1: an empty selector selects all, none selects nothing. */
function selects({ spec }: PodDisruptionBudget, labels: Readonly<Record<string, string>>): boolean {
  return spec?.selector !== undefined && hasLabels(labels, spec.selector);
}

function budgetOf(listener: EventListener, settings: ListenerSettings): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(listener, settings),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(listener) } },
  };
}
