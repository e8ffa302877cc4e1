import { z } from 'zod';
import { preserved, preservedObject } from '../schema.ts';
import { structuralSchema, type StructuralSchema } from '../structural.ts';

/**
 * What the kinds of triggers.tekton.dev hold; v1alpha1 and v1beta1 are the same. Their CRDs let everything through, as
 * upstream's do: Go takes `resourceTemplates` for `resourcetemplates`, and the API server would drop it. decode.ts
 * reads objects by these schemas.
 */
const text = z.string().optional();

const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() }))
    .optional(),
});
export type LabelSelector = z.infer<typeof labelSelector>;
const namespaceSelector = z.object({ matchNames: z.array(z.string()).optional() });

const bindingParam = z.object({ name: text, value: text });
const binding = z.object({ name: text, value: text, ref: text, kind: text, apiversion: text });
export type Binding = z.infer<typeof binding>;

export const triggerBindingSpec = z.object({ params: z.array(bindingParam).optional() });

export const triggerTemplateSpec = z.object({
  params: z.array(z.object({ name: text, description: text, default: text })).optional(),
  resourcetemplates: z.array(preservedObject<Record<string, unknown>>()).optional(),
});
export type TriggerTemplateSpec = z.infer<typeof triggerTemplateSpec>;
const template = z.object({ ref: text, apiversion: text, spec: triggerTemplateSpec.optional() });
export type Template = z.infer<typeof template>;

const objectRef = z.object({
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  apiVersion: text,
  resourceVersion: text,
  fieldPath: text,
});
const webhook = z.object({
  objectRef: objectRef.optional(),
  url: text,
  header: z.array(z.object({ name: text, value: preserved<string | string[]>().optional() })).optional(),
});
export type Webhook = z.infer<typeof webhook>;
const interceptor = z.object({
  name: text,
  ref: z.object({ name: text, kind: text, apiVersion: text }).optional(),
  params: z.array(z.object({ name: z.string(), value: preserved<unknown>().optional() })).optional(),
  webhook: webhook.optional(),
});
export type InterceptorUse = z.infer<typeof interceptor>;

export const triggerSpec = z.object({
  name: text,
  bindings: z.array(binding).optional(),
  template: template.optional(),
  interceptors: z.array(interceptor).optional(),
  serviceAccountName: text,
});
export type TriggerSpec = z.infer<typeof triggerSpec>;

const listenerTrigger = triggerSpec.extend({ triggerRef: text });
export type ListenerTrigger = z.infer<typeof listenerTrigger>;
const triggerSelector = z.object({
  namespaceSelector: namespaceSelector.optional(),
  labelSelector: labelSelector.optional(),
});
export type TriggerSelector = z.infer<typeof triggerSelector>;
const triggerGroup = z.object({
  name: text,
  interceptors: z.array(interceptor).optional(),
  triggerSelector: triggerSelector.optional(),
});
export type TriggerGroup = z.infer<typeof triggerGroup>;

/** Kubernetes' own pod template; of its fields only some are allowed (kubernetes-resource.validate.ts). */
export interface PodSpecFields {
  serviceAccountName?: string;
  containers?: Record<string, unknown>[];
  [field: string]: unknown;
}
const kubernetesResource = z.object({
  replicas: z.int32().optional(),
  serviceType: text,
  servicePort: z.int32().optional(),
  serviceLoadBalancerClass: text,
  spec: z
    .object({
      template: z
        .object({
          metadata: preservedObject<{
            labels?: Record<string, string>;
            annotations?: Record<string, string>;
          }>().optional(),
          spec: preservedObject<PodSpecFields>().optional(),
        })
        .optional(),
    })
    .optional(),
});
export type KubernetesResource = z.infer<typeof kubernetesResource>;

export const eventListenerSpec = z.object({
  serviceAccountName: text,
  triggers: z.array(listenerTrigger).optional(),
  triggerGroups: z.array(triggerGroup).optional(),
  namespaceSelector: namespaceSelector.optional(),
  labelSelector: labelSelector.optional(),
  resources: z
    .object({
      kubernetesResource: kubernetesResource.optional(),
      customResource: preservedObject<Record<string, unknown>>().optional(),
    })
    .optional(),
  cloudEventURI: text,
});
export type EventListenerSpec = z.infer<typeof eventListenerSpec>;

export const interceptorSpec = z.object({
  clientConfig: z
    .object({
      caBundle: text,
      url: text,
      service: z.object({ name: text, namespace: text, path: text, port: z.int32().optional() }).optional(),
    })
    .optional(),
});
export type InterceptorSpec = z.infer<typeof interceptorSpec>;

/** The specs by kind; what admission reads them by. */
export const forms = {
  EventListener: eventListenerSpec,
  Trigger: triggerSpec,
  TriggerBinding: triggerBindingSpec,
  ClusterTriggerBinding: triggerBindingSpec,
  TriggerTemplate: triggerTemplateSpec,
  ClusterInterceptor: interceptorSpec,
  Interceptor: interceptorSpec,
};
export type TriggersKind = keyof typeof forms;

/** Structural forms of the specs, made once. */
export const specForms = Object.fromEntries(
  Object.entries(forms).map(([kind, form]) => [kind, structuralSchema(form, `${kind}.spec`)]),
) as Record<TriggersKind, StructuralSchema>;
