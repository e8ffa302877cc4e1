import { z } from 'zod';
import type { FieldError } from '../fielderror.ts';
import { kindVersion, type KindDefinition, type KindVersion, type PrinterColumn } from '../kind.ts';
import { duckStatus } from '../meta.ts';
import { preservedObject, timeText } from '../schema.ts';
import { defaultEventListener, defaultInterceptor, defaultTrigger } from './defaults.ts';
import type { EventListener, Interceptor, Trigger, TriggerBinding, TriggerTemplate } from './objects.ts';
import { forms, type TriggersKind } from './spec.ts';
import {
  validateClusterInterceptor,
  validateClusterTriggerBinding,
  validateEventListener,
  validateInterceptor,
  validateTrigger,
  validateTriggerBinding,
  validateTriggerTemplate,
} from './validate.ts';

const common = {
  group: 'triggers.tekton.dev',
  categories: ['tekton', 'tekton-triggers'],
  partOf: 'tekton-triggers',
  statusSubresource: true,
} as const satisfies Partial<KindDefinition>;

const address = z.object({ url: z.string().optional() }).optional();
const noStatus = preservedObject();
const listenerStatus = z.object({
  ...duckStatus,
  address,
  configuration: z.object({ generatedName: z.string().optional() }).optional(),
});

const time = timeText.optional();
const triggerStatus = z.object({
  conditions: duckStatus.conditions,
  schedule: z
    .object({
      schedule: z.string().optional().describe('What it is kept by.'),
      timeZone: z.string().optional(),
      suspended: z.boolean().optional(),
      since: time.describe('Times up to this one are not made up for.'),
      lastScheduleTime: time.describe('The latest time that was dealt with.'),
      lastOutcome: z.string().optional().describe('created, repeated, stopped, failed or missed.'),
      lastMessage: z.string().optional(),
      lastCreated: z.array(z.string()).optional().describe('What that time created.'),
      nextScheduleTime: time,
    })
    .optional()
    .describe('How the schedule of the annotations is kept.'),
});
const triggerColumns: PrinterColumn[] = [
  { name: 'Schedule', type: 'string', jsonPath: '.status.schedule.schedule' },
  { name: 'Last', type: 'string', jsonPath: '.status.schedule.lastScheduleTime' },
  { name: 'Outcome', type: 'string', jsonPath: '.status.schedule.lastOutcome' },
  { name: 'Next', type: 'string', jsonPath: '.status.schedule.nextScheduleTime' },
];

const listenerColumns: PrinterColumn[] = [
  { name: 'Address', type: 'string', jsonPath: '.status.address.url' },
  { name: 'Available', type: 'string', jsonPath: ".status.conditions[?(@.type=='Available')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Available')].reason" },
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
];

/** The API server passes everything on; admission reads it by the form of its kind. */
function specOf(kind: TriggersKind): Pick<KindVersion, 'spec' | 'strictSpec'> {
  return { spec: preservedObject(), strictSpec: forms[kind] };
}

/** v1alpha1 is v1beta1 by another name. */
function bothVersions(version: Omit<KindVersion, 'name' | 'storage'>): KindVersion[] {
  return [
    { ...version, name: 'v1alpha1', storage: false },
    { ...version, name: 'v1beta1', storage: true },
  ];
}

export const triggersKinds: readonly KindDefinition[] = [
  {
    ...common,
    kind: 'EventListener',
    plural: 'eventlisteners',
    singular: 'eventlistener',
    namespaced: true,
    shortNames: ['el'],
    description: 'Takes events over HTTP and starts what its triggers say.',
    versions: bothVersions(
      kindVersion<EventListener>({
        name: 'v1beta1',
        storage: true,
        ...specOf('EventListener'),
        status: listenerStatus,
        printerColumns: listenerColumns,
        setDefaults: defaultEventListener,
        validate: validateEventListener,
      }),
    ),
  },
  {
    ...common,
    kind: 'Trigger',
    plural: 'triggers',
    singular: 'trigger',
    namespaced: true,
    shortNames: ['tri'],
    description: 'What an event is checked by, what is read of it, and what it starts.',
    versions: bothVersions(
      kindVersion<Trigger>({
        name: 'v1beta1',
        storage: true,
        ...specOf('Trigger'),
        status: triggerStatus,
        printerColumns: triggerColumns,
        setDefaults: defaultTrigger,
        validate: validateTrigger,
      }),
    ),
  },
  {
    ...common,
    kind: 'TriggerBinding',
    plural: 'triggerbindings',
    singular: 'triggerbinding',
    namespaced: true,
    shortNames: ['tb'],
    description: 'Names parts of an event.',
    versions: bothVersions(bindingVersion('TriggerBinding', validateTriggerBinding)),
  },
  {
    ...common,
    kind: 'ClusterTriggerBinding',
    plural: 'clustertriggerbindings',
    singular: 'clustertriggerbinding',
    namespaced: false,
    shortNames: ['ctb'],
    description: 'A TriggerBinding for all namespaces.',
    versions: bothVersions(bindingVersion('ClusterTriggerBinding', validateClusterTriggerBinding)),
  },
  {
    ...common,
    kind: 'TriggerTemplate',
    plural: 'triggertemplates',
    singular: 'triggertemplate',
    namespaced: true,
    shortNames: ['tt'],
    description: 'Objects to create, with params to fill in.',
    versions: bothVersions(
      kindVersion<TriggerTemplate>({
        name: 'v1beta1',
        storage: true,
        ...specOf('TriggerTemplate'),
        status: noStatus,
        printerColumns: [],
        validate: validateTriggerTemplate,
      }),
    ),
  },
  {
    ...common,
    kind: 'ClusterInterceptor',
    plural: 'clusterinterceptors',
    singular: 'clusterinterceptor',
    namespaced: false,
    shortNames: ['ci'],
    description: 'A server that checks and extends events, for all namespaces.',
    versions: [interceptorVersion('ClusterInterceptor', validateClusterInterceptor)],
  },
  {
    ...common,
    kind: 'Interceptor',
    plural: 'interceptors',
    singular: 'interceptor',
    namespaced: true,
    shortNames: ['ni'],
    description: 'A server that checks and extends events.',
    versions: [interceptorVersion('Interceptor', validateInterceptor)],
  },
];

function bindingVersion(kind: TriggersKind, validate: (object: TriggerBinding) => FieldError[]): KindVersion {
  return kindVersion<TriggerBinding>({
    name: 'v1beta1',
    storage: true,
    ...specOf(kind),
    status: noStatus,
    printerColumns: [],
    validate,
  });
}

function interceptorVersion(kind: TriggersKind, validate: (object: Interceptor) => FieldError[]): KindVersion {
  return kindVersion<Interceptor>({
    name: 'v1alpha1',
    storage: true,
    ...specOf(kind),
    status: z.object({ address }),
    printerColumns: [],
    setDefaults: defaultInterceptor,
    validate,
  });
}
