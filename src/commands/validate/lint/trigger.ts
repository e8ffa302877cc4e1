import type { EventListenerSpec, TriggerTemplateSpec } from '../../../api/triggers/spec.ts';
import type { RuledError } from '../references.ts';
import { advice, mentions } from './wording.ts';

/** A trigger that no interceptor guards: whoever reaches the listener starts it. */
export function listenerAdvice({ triggers }: EventListenerSpec): RuledError[] {
  return (triggers ?? []).flatMap(({ name, triggerRef, interceptors }, index) => {
    if (triggerRef || (interceptors?.length ?? 0) > 0) return [];
    const which = name ? `trigger "${name}"` : 'this trigger';
    const message = `${which} has no interceptor: whoever reaches the listener starts it; have a signature checked`;
    return [advice('unverified-events', `spec.triggers[${index}]`, message)];
  });
}

export function templateAdvice({ params = [], resourcetemplates }: TriggerTemplateSpec): RuledError[] {
  const text = JSON.stringify(resourcetemplates ?? []);
  return params.flatMap(({ name }, index) =>
    mentions(text, 'tt.params', name ?? '')
      ? []
      : [advice('unused-param', `spec.params[${index}]`, `param "${name}" is not used`)],
  );
}
