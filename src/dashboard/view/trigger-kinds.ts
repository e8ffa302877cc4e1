import { triggersResources as resources } from '../../api/triggers/resources.ts';
import type { KubeObject } from '../../resource.ts';
import type { ListedKind } from './listed-kind.ts';
import { itemsOf, textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** One line about a part of an object of Triggers. */
export interface TriggerFact {
  label: string;
  text: string;
  /** The object of Triggers that the text names. */
  object?: { kind: string; name: string };
}

/** A part with what is said of it. */
export interface TriggerPart {
  name: string;
  facts: readonly TriggerFact[];
}

export interface TriggerSection {
  title: string;
  parts: readonly TriggerPart[];
  /** Said when there are no parts. */
  none: string;
}

const applied = (file: string) => `kubectl apply -f ${file}.yaml`;

/** The kinds of Triggers as lists show them. Their CRDs let everything through: nothing of an object is sure. */
export const triggerKinds: readonly ListedKind[] = [
  {
    resource: resources.EventListener,
    columns: ['Address', 'Triggers', 'State'],
    cells: (object) => {
      const { triggers, triggerGroups } = specOf(object);
      const count = itemsOf(triggers).length + itemsOf(triggerGroups).length;
      return [addressOf(object), count.toString(), readiness(object)];
    },
    bringFirst: applied('eventlistener'),
  },
  {
    resource: resources.Trigger,
    columns: ['Template', 'Bindings', 'Interceptors'],
    cells: (object) => {
      const { template, bindings, interceptors } = specOf(object);
      return [templateName(template), namesIn(bindings), namesIn(interceptors)];
    },
    bringFirst: applied('trigger'),
  },
  ...[resources.TriggerBinding, resources.ClusterTriggerBinding].map((resource) => ({
    resource,
    columns: ['Params'],
    cells: (object: KubeObject) => [namesIn(specOf(object)['params'])],
    bringFirst: applied('binding'),
  })),
  {
    resource: resources.TriggerTemplate,
    columns: ['Params', 'Creates'],
    cells: (object) => [
      namesIn(specOf(object)['params']),
      createdBy(object)
        .map(({ name }) => name)
        .join(', '),
    ],
    bringFirst: applied('template'),
  },
  ...[resources.Interceptor, resources.ClusterInterceptor].map((resource) => ({
    resource,
    columns: ['Address'],
    cells: (object: KubeObject) => [interceptorAddress(object)],
    bringFirst: applied('interceptor'),
  })),
];

/** What an object of Triggers says, in sections. */
export function triggerSections(kind: string, object: KubeObject): TriggerSection[] {
  const spec = specOf(object);
  switch (kind) {
    case 'EventListener':
      return [
        {
          title: 'Address',
          parts: [{ name: addressOf(object) || 'none yet', facts: conditionFacts(object) }],
          none: '',
        },
        { title: 'Triggers', parts: itemsOf(spec['triggers']).map(triggerPart), none: 'It names no triggers itself.' },
        ...groups(spec['triggerGroups']),
      ];
    case 'Trigger':
      return [{ title: 'Trigger', parts: [triggerPart(spec), ...scheduleParts(object)], none: '' }];
    case 'TriggerTemplate':
      return [params(spec['params']), { title: 'Creates', parts: createdBy(object), none: 'It creates nothing.' }];
    case 'TriggerBinding':
    case 'ClusterTriggerBinding':
      return [params(spec['params'])];
    default:
      return [{ title: 'Address', parts: [{ name: interceptorAddress(object) || 'none', facts: [] }], none: '' }];
  }
}

function specOf(object: KubeObject): Readonly<Record<string, unknown>> {
  return fieldsOf((object as { spec?: unknown }).spec);
}

function statusOf(object: KubeObject): Readonly<Record<string, unknown>> {
  return fieldsOf((object as { status?: unknown }).status);
}

function addressOf(object: KubeObject): string {
  return textOf(fieldsOf(statusOf(object)['address'])['url']);
}

function interceptorAddress(object: KubeObject): string {
  const { url, service } = fieldsOf(specOf(object)['clientConfig']);
  const { name, namespace, path } = fieldsOf(service);
  if (url !== undefined) return textOf(url);
  const of = [namespace, name].map(textOf).filter((part) => part !== '');
  return of.length === 0 ? addressOf(object) : `service ${of.join('/')} ${textOf(path)}`.trim();
}

function readiness(object: KubeObject): string {
  const conditions = itemsOf(statusOf(object)['conditions']);
  const ready = conditions.find(({ type }) => type === 'Ready') ?? conditions[0];
  if (ready === undefined) return '';
  return ready['status'] === 'True' ? 'ready' : `not ready: ${textOf(ready['message']) || textOf(ready['reason'])}`;
}

function conditionFacts(object: KubeObject): TriggerFact[] {
  return itemsOf(statusOf(object)['conditions']).map(({ type, status, message }) => ({
    label: textOf(type),
    text: [status, message]
      .map(textOf)
      .filter((part) => part !== '')
      .join(': '),
  }));
}

function templateName(template: unknown): string {
  const { ref, spec } = fieldsOf(template);
  return textOf(ref) || (spec === undefined ? '' : 'written in place');
}

/** Names of what is listed: by reference, or its own. */
function namesIn(list: unknown): string {
  return itemsOf(list)
    .map(
      ({ name, ref, webhook }) =>
        textOf(fieldsOf(ref)['name'] ?? (ref === undefined ? undefined : ref)) ||
        textOf(name) ||
        (webhook === undefined ? '' : 'webhook'),
    )
    .filter((each) => each !== '' && each !== '{}')
    .join(', ');
}

function triggerPart(trigger: Readonly<Record<string, unknown>>): TriggerPart {
  const { name, triggerRef, template, bindings, interceptors, serviceAccountName } = trigger;
  const of = textOf(triggerRef);
  const ref = textOf(fieldsOf(template)['ref']);
  return {
    name: textOf(name) || of || 'without a name',
    facts: [
      ...(of === '' ? [] : [{ label: 'Trigger', text: of, object: { kind: 'Trigger', name: of } }]),
      ...itemsOf(interceptors).map(interceptorFact),
      ...itemsOf(bindings).map(bindingFact),
      ...(ref === '' ? [] : [{ label: 'Template', text: ref, object: { kind: 'TriggerTemplate', name: ref } }]),
      ...(ref === '' && template !== undefined ? [{ label: 'Template', text: 'written in place' }] : []),
      ...(serviceAccountName === undefined ? [] : [{ label: 'Service account', text: textOf(serviceAccountName) }]),
    ],
  };
}

function interceptorFact({ ref, webhook, params: of }: Readonly<Record<string, unknown>>): TriggerFact {
  const { name, kind } = fieldsOf(ref);
  const given = itemsOf(of).map((param) => `${textOf(param['name'])}: ${textOf(param['value'])}`);
  if (name === undefined) return { label: 'Interceptor', text: `webhook ${textOf(webhook)}` };
  const object = { kind: kind === 'NamespacedInterceptor' ? 'Interceptor' : 'ClusterInterceptor', name: textOf(name) };
  return { label: 'Interceptor', text: [textOf(name), ...given].join(', '), object };
}

function bindingFact({ ref, kind, name, value }: Readonly<Record<string, unknown>>): TriggerFact {
  const of = textOf(ref);
  if (of === '') return { label: 'Binding', text: `${textOf(name)}: ${textOf(value)}` };
  const isCluster = kind === 'ClusterTriggerBinding';
  return {
    label: 'Binding',
    text: of,
    object: { kind: isCluster ? 'ClusterTriggerBinding' : 'TriggerBinding', name: of },
  };
}

function groups(list: unknown): TriggerSection[] {
  const parts = itemsOf(list).map(({ name, interceptors, triggerSelector }) => ({
    name: textOf(name) || 'without a name',
    facts: [
      ...itemsOf(interceptors).map(interceptorFact),
      { label: 'Triggers', text: textOf(triggerSelector) || 'none' },
    ],
  }));
  return parts.length === 0 ? [] : [{ title: 'Groups of triggers', parts, none: '' }];
}

function scheduleParts(object: KubeObject): TriggerPart[] {
  const { schedule, lastScheduleTime, lastOutcome, nextScheduleTime } = fieldsOf(statusOf(object)['schedule']);
  if (schedule === undefined) return [];
  const facts = [
    {
      label: 'Last',
      text: [lastScheduleTime, lastOutcome]
        .map(textOf)
        .filter((part) => part !== '')
        .join(', '),
    },
    { label: 'Next', text: textOf(nextScheduleTime) },
  ];
  return [{ name: `Schedule ${textOf(schedule)}`, facts: facts.filter(({ text }) => text !== '') }];
}

function params(list: unknown): TriggerSection {
  const parts = itemsOf(list).map(({ name, value, description, default: of }) => ({
    name: textOf(name),
    facts: [
      { label: 'Description', text: textOf(description) },
      { label: 'Value', text: textOf(value) },
      { label: 'Default', text: textOf(of) },
    ].filter(({ text }) => text !== ''),
  }));
  return { title: 'Params', parts, none: 'It has no params.' };
}

function createdBy(object: KubeObject): TriggerPart[] {
  return itemsOf(specOf(object)['resourcetemplates']).map(({ kind, metadata, spec }) => {
    const { name, generateName } = fieldsOf(metadata);
    const { pipelineRef, taskRef } = fieldsOf(spec);
    const of = textOf(fieldsOf(pipelineRef ?? taskRef)['name']);
    return {
      name: `${textOf(kind)} ${textOf(generateName ?? name)}`.trim(),
      facts: of === '' ? [] : [{ label: pipelineRef === undefined ? 'Task' : 'Pipeline', text: of }],
    };
  });
}
