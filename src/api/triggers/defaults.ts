import { decoded, type EventListener, type Interceptor, type Trigger } from './objects.ts';
import type { Binding, InterceptorUse } from './spec.ts';

/** The label that says how a sink reaches an interceptor. */
export const serverTypeLabel = 'server/type';

/** What is left out and has one meaning only. The ServiceAccount is the reconciler's: its default may change. */
export function defaultEventListener(given: EventListener): EventListener {
  const { object } = decoded('EventListener', given);
  const { triggers, triggerGroups, resources, ...spec } = object.spec ?? {};
  const kubernetes = resources?.kubernetesResource;
  return {
    ...object,
    spec: {
      ...spec,
      ...(triggers ? { triggers: triggers.map(defaultTriggerSpec) } : {}),
      ...(triggerGroups
        ? {
            triggerGroups: triggerGroups.map((group) => ({
              ...group,
              ...(group.interceptors ? { interceptors: group.interceptors.map(defaultInterceptorUse) } : {}),
            })),
          }
        : {}),
      // Upstream's rule: to have none is not asked for by 0.
      ...(resources
        ? {
            resources:
              kubernetes?.replicas === 0
                ? { ...resources, kubernetesResource: { ...kubernetes, replicas: 1 } }
                : resources,
          }
        : {}),
    },
  };
}

export function defaultTrigger(given: Trigger): Trigger {
  const { object } = decoded('Trigger', given);
  return { ...object, spec: defaultTriggerSpec(object.spec ?? {}) };
}

function defaultTriggerSpec<
  T extends { bindings?: Binding[] | undefined; interceptors?: InterceptorUse[] | undefined },
>(spec: T): T {
  return {
    ...spec,
    ...(spec.bindings
      ? {
          bindings: spec.bindings.map((binding) =>
            binding.ref && !binding.kind ? { ...binding, kind: 'TriggerBinding' } : binding,
          ),
        }
      : {}),
    ...(spec.interceptors ? { interceptors: spec.interceptors.map(defaultInterceptorUse) } : {}),
  };
}

function defaultInterceptorUse(use: InterceptorUse): InterceptorUse {
  return use.webhook === undefined && use.ref && !use.ref.kind
    ? { ...use, ref: { ...use.ref, kind: 'ClusterInterceptor' } }
    : use;
}

/** An interceptor that says nothing of how it is reached is reached by plain HTTP. */
export function defaultInterceptor(given: Interceptor): Interceptor {
  if (given.metadata.labels?.[serverTypeLabel] !== undefined || given.spec?.clientConfig?.caBundle) return given;
  return {
    ...given,
    metadata: { ...given.metadata, labels: { ...given.metadata.labels, [serverTypeLabel]: 'http' } },
  };
}
