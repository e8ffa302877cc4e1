import type { EventListener } from '../../api/triggers/objects.ts';
import { sinkAnnotation } from '../../api/triggers/validate.ts';

/** What a listener's events are to be taken by. */
export type Demand =
  | { kind: 'own' }
  /** The shared sink is asked for, and `field` needs pods of the listener's own. */
  | { kind: 'own'; field: string }
  | { kind: 'shared' };

/** Variables that lead to the Secret of the listener's certificate; the shared sink reads that itself. */
const tlsVariables = ['TLS_CERT', 'TLS_KEY'];

/** By the listener's annotation, else by the setting; and by whether its fields can be had in pods of others. */
export function demandOf({ metadata, spec }: EventListener, fallback: 'own' | 'shared'): Demand {
  const chosen = metadata.annotations?.[sinkAnnotation] ?? fallback;
  if (chosen !== 'shared') return { kind: 'own' };
  const field = fieldOfOwnPods(spec?.resources?.kubernetesResource);
  return field === undefined ? { kind: 'shared' } : { kind: 'own', field };
}

type KubernetesResource = NonNullable<NonNullable<EventListener['spec']>['resources']>['kubernetesResource'];

function fieldOfOwnPods(resource: KubernetesResource): string | undefined {
  const place = 'spec.resources.kubernetesResource';
  if (resource?.replicas !== undefined) return `${place}.replicas`;
  const { metadata = {}, spec: pod = {} } = resource?.spec?.template ?? {};
  for (const field of ['labels', 'annotations'] as const)
    if (Object.keys(metadata[field] ?? {}).length > 0) return `${place}.spec.template.metadata.${field}`;
  for (const [field, value] of Object.entries(pod))
    if (field !== 'serviceAccountName' && field !== 'containers' && value !== undefined && value !== null)
      return `${place}.spec.template.spec.${field}`;
  const container = pod.containers?.[0] ?? {};
  const own = Object.entries(container).find(([field, value]) => value && field !== 'name' && field !== 'env');
  if (own) return `${place}.spec.template.spec.containers[0].${own[0]}`;
  const variables = (Array.isArray(container['env']) ? container['env'] : []) as { name?: string }[];
  const other = variables.find((variable) => !tlsVariables.includes(variable?.name ?? ''));
  return other && `${place}.spec.template.spec.containers[0].env (${other.name ?? ''})`;
}
