import { canonicalName } from './header-name.ts';
import {
  each,
  fieldError,
  invalidValue,
  missingField,
  missingOneOf,
  multipleOneOf,
  via,
  type FieldError,
} from '../fielderror.ts';
import { templateParam } from '../variables/reference.ts';
import { references } from '../variables/scan.ts';
import { decoded, type EventListener, type Interceptor, type Trigger, type TriggerBinding } from './objects.ts';
import type { TriggerTemplate } from './objects.ts';
import { validateRedelivery } from './redelivery.ts';
import { validateNoSchedule, validateSchedule } from './schedule.ts';
import { validateKubernetesResource } from './kubernetes-resource.validate.ts';
import type {
  Binding,
  EventListenerSpec,
  InterceptorUse,
  ListenerTrigger,
  Template,
  TriggerGroup,
  TriggerTemplateSpec,
  Webhook,
} from './spec.ts';

/** Whose pods take a listener's events: `own` or `shared`. Without it the setting `default-sink` counts. */
export const sinkAnnotation = 'triggers.tektite.dev/sink';

/** Every bad part with upstream's words, as its users see them when an object is refused. */
export function validateEventListener(object: EventListener): FieldError[] {
  const { object: listener, errors } = decoded('EventListener', object);
  const { name = '', annotations } = listener.metadata;
  const tooLong = `eventListener name '${name}' must be no more than 60 characters long`;
  return [
    ...errors,
    // Services are named el-NAME.
    ...(name.length > 60 ? invalidValue(tooLong, 'metadata.name') : []),
    ...validateAnnotations(annotations),
    ...validateNoSchedule(annotations),
    ...validateRedelivery(annotations),
    ...validateListenerSpec(listener.spec ?? {}),
  ];
}

function validateAnnotations(annotations: Record<string, string> | undefined): FieldError[] {
  const key = 'tekton.dev/payload-validation';
  const value = annotations?.[key];
  const sink = annotations?.[sinkAnnotation];
  return [
    ...(value === undefined || value === 'true' || value === 'false'
      ? []
      : invalidValue(`${key} annotation must have value 'true' or 'false'`, 'metadata.annotations')),
    ...(sink === undefined || sink === 'own' || sink === 'shared'
      ? []
      : fieldError(
          `${sinkAnnotation} is ${JSON.stringify(sink.slice(0, 100))}; give own or shared`,
          'metadata.annotations',
        )),
  ];
}

function validateListenerSpec(spec: EventListenerSpec): FieldError[] {
  if (selectsNothing(spec))
    return missingOneOf('spec.labelSelector', 'spec.namespaceSelector', 'spec.triggerGroups', 'spec.triggers');
  const { triggers, triggerGroups, namespaceSelector, resources = {} } = spec;
  return via('spec', [
    ...each('triggers', triggers, validateListenerTrigger),
    ...each('triggerGroups', triggerGroups, validateGroup),
    ...validateMatchNames(namespaceSelector?.matchNames),
    ...(resources.kubernetesResource
      ? via('resources.kubernetesResource', validateKubernetesResource(resources.kubernetesResource))
      : []),
    ...(resources.customResource
      ? fieldError(
          'Knative and other custom resources are not supported; leave it out to get a Deployment and a Service, and scale it with a HorizontalPodAutoscaler',
          'resources.customResource',
        )
      : []),
  ]);
}

function selectsNothing({ labelSelector, namespaceSelector, triggerGroups, triggers }: EventListenerSpec): boolean {
  return (
    !labelSelector && [namespaceSelector?.matchNames, triggerGroups, triggers].every((list = []) => list.length === 0)
  );
}

function validateMatchNames(names: readonly string[] = []): FieldError[] {
  return names.length > 1 && names.includes('*') ? invalidValue('*', 'namespaceSelector.matchNames') : [];
}

function validateListenerTrigger(trigger: ListenerTrigger): FieldError[] {
  const { template, bindings, interceptors, name = '' } = trigger;
  return [
    ...validateReference(trigger),
    ...each('bindings', bindings, validateBinding),
    ...(template === undefined ? [] : validateTemplate(template)),
    ...each('interceptors', interceptors, validateInterceptorUse),
    ...(isLabelValue(name) ? [] : invalidValue(`trigger name '${name}' must be a valid label value`, 'name')),
  ];
}

/** A trigger is written out or refers to a Trigger, not both. */
function validateReference({ triggerRef = '', template, bindings, interceptors }: ListenerTrigger): FieldError[] {
  if (triggerRef === '') return template === undefined ? missingOneOf('template', 'triggerRef') : [];
  return template || bindings || interceptors
    ? multipleOneOf('triggerRef', 'template or bindings or interceptors')
    : [];
}

function validateGroup({ triggerSelector, interceptors = [] }: TriggerGroup): FieldError[] {
  const { labelSelector, namespaceSelector } = triggerSelector ?? {};
  const selects = labelSelector ?? namespaceSelector?.matchNames?.length;
  return [
    ...(selects ? [] : missingOneOf('triggerSelector.labelSelector', 'triggerSelector.namespaceSelector')),
    ...(interceptors.length === 0 ? missingField('interceptors') : []),
    ...each('interceptors', interceptors, validateInterceptorUse),
    ...via('triggerSelector', validateMatchNames(namespaceSelector?.matchNames)),
  ];
}

export function validateTrigger(object: Trigger): FieldError[] {
  const { object: trigger, errors } = decoded('Trigger', object);
  const { bindings, template = {}, interceptors } = trigger.spec ?? {};
  return [
    ...errors,
    ...validateSchedule(trigger.metadata.annotations),
    ...via('spec', [
      ...each('bindings', bindings, validateBinding),
      ...validateTemplate(template),
      ...each('interceptors', interceptors, validateInterceptorUse),
    ]),
  ];
}

function validateBinding(binding: Binding): FieldError[] {
  const { ref = '', name = '', kind = 'TriggerBinding', value } = binding;
  if (ref !== '') {
    if (name !== '') return multipleOneOf('ref', 'name');
    if (kind !== 'TriggerBinding' && kind !== 'ClusterTriggerBinding') return invalidValue('invalid kind', 'kind');
    return [];
  }
  if (name === '') return missingOneOf('ref', 'name');
  return value === undefined ? missingField('value') : validateExpressions(value, 'value');
}

function validateTemplate({ ref, spec, apiversion = '' }: Template): FieldError[] {
  const version = ['', 'v1alpha1', 'v1beta1'].includes(apiversion)
    ? []
    : invalidValue('invalid apiVersion', 'template.apiVersion');
  if (spec !== undefined && ref !== undefined) return [...version, ...multipleOneOf('template.spec', 'template.ref')];
  if (spec !== undefined) return [...version, ...via('template.spec', validateTemplateSpec(spec))];
  if (ref === undefined) return [...version, ...missingOneOf('template.spec', 'template.ref')];
  return [...version, ...(ref === '' ? missingField('template.ref') : [])];
}

function validateInterceptorUse({ ref, webhook }: InterceptorUse): FieldError[] {
  if (webhook === undefined) {
    if (!ref?.name) return missingField('interceptor');
    return ['', undefined, 'ClusterInterceptor', 'NamespacedInterceptor'].includes(ref.kind)
      ? []
      : invalidValue('invalid kind', 'interceptor.ref.kind');
  }
  return via('interceptor.webhook', validateWebhook(webhook));
}

/** `url` alone is refused upstream, against its own documentation; here one of both is needed. */
function validateWebhook({ objectRef, url, header }: Webhook): FieldError[] {
  const target =
    objectRef === undefined
      ? url
        ? URL.canParse(url)
          ? []
          : invalidValue(url, 'url')
        : missingField('objectRef')
      : [
          ...(objectRef.name ? [] : missingField('objectRef')),
          ...(objectRef.kind === 'Service' ? [] : invalidValue('invalid kind', 'objectRef.kind')),
          ...(objectRef.apiVersion === 'v1' ? [] : invalidValue('invalid apiVersion', 'objectRef.apiVersion')),
        ];
  return [
    ...target,
    ...each('header', header, ({ name = '', value }) => [
      ...(name === '' || canonicalName(name) !== name ? invalidValue('invalid header name', 'name') : []),
      ...(value === undefined || value.length === 0 ? invalidValue('invalid header value', 'value') : []),
    ]),
  ];
}

export function validateTriggerBinding(object: TriggerBinding): FieldError[] {
  return validateBindingOf('TriggerBinding', object);
}

export function validateClusterTriggerBinding(object: TriggerBinding): FieldError[] {
  return validateBindingOf('ClusterTriggerBinding', object);
}

function validateBindingOf(kind: 'TriggerBinding' | 'ClusterTriggerBinding', object: TriggerBinding): FieldError[] {
  const { object: binding, errors } = decoded(kind, object);
  const params = binding.spec?.params ?? [];
  if (binding.spec === undefined || Object.keys(binding.spec).length === 0) return [...errors, ...missingField('spec')];
  const names = params.map(({ name = '' }) => name);
  return [
    ...errors,
    ...via(
      'spec',
      each('params', params, ({ name = '', value = '' }, index) => [
        ...(names.indexOf(name) < index ? multipleOneOf('name') : []),
        ...validateExpressions(value, 'value'),
      ]),
    ),
  ];
}

/** A `$(` without its `)` is a slip: it would be taken as it is. */
function validateExpressions(value: string, path: string): FieldError[] {
  for (const part of value.split('$(').slice(1)) {
    let open = 1;
    for (const character of part) {
      if (character === '(') open++;
      if (character === ')' && --open === 0) break;
    }
    if (open > 0 && !part.endsWith('$(') && part !== '') return invalidValue(`$(${part}`, path);
  }
  return [];
}

export function validateTriggerTemplate(object: TriggerTemplate): FieldError[] {
  const { object: template, errors } = decoded('TriggerTemplate', object);
  return [...errors, ...via('spec', validateTemplateSpec(template.spec ?? {}))];
}

function validateTemplateSpec({ params = [], resourcetemplates = [] }: TriggerTemplateSpec): FieldError[] {
  if (resourcetemplates.length === 0) return missingField('resourcetemplates');
  const declared = new Set(params.map(({ name }) => name));
  return each('resourcetemplates', resourcetemplates, (template) => {
    const { apiVersion, kind } = template;
    const used = references(JSON.stringify(template)).flatMap((inner) => templateParam(inner) ?? []);
    const undeclared = [...new Set(used)].filter((name) => !declared.has(name));
    return [
      ...(apiVersion ? [] : missingField('apiVersion')),
      ...(kind ? [] : missingField('kind')),
      ...undeclared.flatMap((name) =>
        invalidValue(
          `undeclared param '$(tt.params.${name})'`,
          '',
          `'$(tt.params.${name})' must be declared in spec.params`,
        ),
      ),
    ];
  });
}

export function validateClusterInterceptor(object: Interceptor): FieldError[] {
  return validateInterceptorOf('ClusterInterceptor', object);
}

export function validateInterceptor(object: Interceptor): FieldError[] {
  return validateInterceptorOf('Interceptor', object);
}

type InterceptorKind = 'ClusterInterceptor' | 'Interceptor';

function validateInterceptorOf(kind: InterceptorKind, object: Interceptor): FieldError[] {
  const { object: interceptor, errors } = decoded(kind, object);
  const { url, service } = interceptor.spec?.clientConfig ?? {};
  return [
    ...errors,
    ...via('spec.clientConfig', [
      ...(url !== undefined && service !== undefined ? multipleOneOf('url', 'service') : []),
      ...(service ? validateService(kind, service) : []),
      ...(url !== undefined && !URL.canParse(url) ? invalidValue(url, 'url') : []),
    ]),
  ];
}

function validateService(kind: InterceptorKind, service: { name?: string; namespace?: string }): FieldError[] {
  return [
    ...(!service.namespace && kind === 'ClusterInterceptor' ? missingField('service.namespace') : []),
    ...(service.name ? [] : missingField('service.name')),
  ];
}

/** Kubernetes' rule for the value of a label. */
function isLabelValue(text: string): boolean {
  return text === '' || (text.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(text));
}
