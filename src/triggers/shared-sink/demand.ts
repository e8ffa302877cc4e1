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

const place = 'spec.resources.kubernetesResource';
const template = `${place}.spec.template`;

/** The first field, by its path, that the shared sink's pods cannot be had with. */
function fieldOfOwnPods(resource: KubernetesResource): string | undefined {
  if (resource?.replicas !== undefined) return `${place}.replicas`;
  const { metadata, spec } = resource?.spec?.template ?? {};
  return fieldOfMetadata(metadata) ?? fieldOfPod(spec) ?? fieldOfContainer(spec?.containers?.[0]);
}

type Template = NonNullable<NonNullable<NonNullable<KubernetesResource>['spec']>['template']>;
type PodOfTemplate = Template['spec'];
type ContainerOfTemplate = NonNullable<NonNullable<PodOfTemplate>['containers']>[number];

function fieldOfMetadata(metadata: Template['metadata']): string | undefined {
  const field = (['labels', 'annotations'] as const).find((each) => Object.keys(metadata?.[each] ?? {}).length > 0);
  return field && `${template}.metadata.${field}`;
}

function fieldOfPod(pod: PodOfTemplate): string | undefined {
  const isOwn = ([field, value]: [string, unknown]) =>
    field !== 'serviceAccountName' && field !== 'containers' && value !== undefined && value !== null;
  const [field] = Object.entries(pod ?? {}).find(isOwn) ?? [];
  return field && `${template}.spec.${field}`;
}

function fieldOfContainer(container: ContainerOfTemplate | undefined): string | undefined {
  const isOwn = ([field, value]: [string, unknown]) => Boolean(value) && field !== 'name' && field !== 'env';
  const [field] = Object.entries(container ?? {}).find(isOwn) ?? [];
  if (field !== undefined) return `${template}.spec.containers[0].${field}`;
  const variables = (Array.isArray(container?.['env']) ? container['env'] : []) as { name?: string }[];
  const other = variables.find((variable) => !tlsVariables.includes(variable?.name ?? ''));
  return other && `${template}.spec.containers[0].env (${other.name ?? ''})`;
}
