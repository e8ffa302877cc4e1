import {
  clusterTriggerBindings,
  eventListeners,
  triggerBindings,
  triggerTemplates,
  type EventListener,
  type TriggerBinding,
  type TriggerTemplate,
} from '../../api/triggers/objects.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import { CommandError, type Context } from '../command.ts';

/** What the commands of a kind of Triggers must know of it. */
export interface TriggersKind<T extends KubeObject> {
  resource: Resource<T>;
  title: string;
  /** What a command without a name says when there is none: tkn's words. */
  none: string;
}

export const eventListenerKind: TriggersKind<EventListener> = {
  resource: eventListeners,
  title: 'EventListener',
  none: 'no EventListeners found',
};
export const triggerBindingKind: TriggersKind<TriggerBinding> = {
  resource: triggerBindings,
  title: 'TriggerBinding',
  none: 'no TriggerBindings found',
};
export const clusterTriggerBindingKind: TriggersKind<TriggerBinding> = {
  resource: clusterTriggerBindings,
  title: 'ClusterTriggerBinding',
  none: 'no ClusterTriggerBindings found',
};
export const triggerTemplateKind: TriggersKind<TriggerTemplate> = {
  resource: triggerTemplates,
  title: 'TriggerTemplate',
  none: 'no TriggerTemplate found',
};

/** The name that was given, or that of the only object there is. @throws CommandError where that leaves a choice. */
export async function nameOf<T extends KubeObject>(
  context: Context,
  { resource, title, none }: TriggersKind<T>,
  given: string | undefined,
): Promise<string> {
  if (given !== undefined) return given;
  const { items } = await context.cluster.list(resource, {
    namespace: placeOf(context, resource),
    signal: context.signal,
  });
  const names = items.map(({ metadata }) => metadata.name ?? '');
  const [only, ...others] = names;
  if (only === undefined) throw new CommandError(none);
  if (others.length > 0)
    throw new CommandError(`there are ${names.length} ${title}s: give the name of one (${names.join(', ')})`);
  return only;
}

/** Undefined for a kind that is in no namespace. */
export function placeOf(
  { namespace }: Pick<Context, 'namespace'>,
  { namespaced }: Pick<Resource, 'namespaced'>,
): string | undefined {
  return namespaced ? namespace : undefined;
}
