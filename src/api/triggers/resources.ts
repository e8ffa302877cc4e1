import type { Resource } from '../../resource.ts';

export const triggersGroup = 'triggers.tekton.dev';

function resource(plural: string, kind: string, more: Partial<Resource> = {}): Resource {
  return { group: triggersGroup, version: 'v1beta1', plural, kind, namespaced: true, ...more };
}

/** Where the kinds of Triggers are served; apart from their schemas, which the dashboard's page does without. */
export const triggersResources = {
  EventListener: resource('eventlisteners', 'EventListener'),
  Trigger: resource('triggers', 'Trigger'),
  TriggerBinding: resource('triggerbindings', 'TriggerBinding'),
  ClusterTriggerBinding: resource('clustertriggerbindings', 'ClusterTriggerBinding', { namespaced: false }),
  TriggerTemplate: resource('triggertemplates', 'TriggerTemplate'),
  Interceptor: resource('interceptors', 'Interceptor', { version: 'v1alpha1' }),
  ClusterInterceptor: resource('clusterinterceptors', 'ClusterInterceptor', { namespaced: false, version: 'v1alpha1' }),
} as const;
