import { z } from 'zod';
import { kindVersion, type KindDefinition, type KindVersion, type PrinterColumn } from '../kind.ts';
import { duckStatus } from '../meta.ts';
import { preservedObject } from '../schema.ts';
import { defaultEventListener, defaultInterceptor, defaultTrigger } from './defaults.ts';
import type { EventListener, Interceptor, Trigger, TriggerBinding, TriggerTemplate } from './objects.ts';
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

/** Read by spec.ts: the API server passes everything on. */
const anySpec = preservedObject();
const address = z.object({ url: z.string().optional() }).optional();
const noStatus = preservedObject();
const listenerStatus = z.object({
  ...duckStatus,
  address,
  configuration: z.object({ generatedName: z.string().optional() }).optional(),
});

const listenerColumns: PrinterColumn[] = [
  { name: 'Address', type: 'string', jsonPath: '.status.address.url' },
  { name: 'Available', type: 'string', jsonPath: ".status.conditions[?(@.type=='Available')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Available')].reason" },
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
];

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
        spec: anySpec,
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
        spec: anySpec,
        status: noStatus,
        printerColumns: [],
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
    versions: bothVersions(bindingVersion(validateTriggerBinding)),
  },
  {
    ...common,
    kind: 'ClusterTriggerBinding',
    plural: 'clustertriggerbindings',
    singular: 'clustertriggerbinding',
    namespaced: false,
    shortNames: ['ctb'],
    description: 'A TriggerBinding for all namespaces.',
    versions: bothVersions(bindingVersion(validateClusterTriggerBinding)),
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
        spec: anySpec,
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
    versions: [interceptorVersion(validateClusterInterceptor)],
  },
  {
    ...common,
    kind: 'Interceptor',
    plural: 'interceptors',
    singular: 'interceptor',
    namespaced: true,
    shortNames: ['ni'],
    description: 'A server that checks and extends events.',
    versions: [interceptorVersion(validateInterceptor)],
  },
];

function bindingVersion(validate: (object: TriggerBinding) => ReturnType<typeof validateTriggerBinding>): KindVersion {
  return kindVersion<TriggerBinding>({
    name: 'v1beta1',
    storage: true,
    spec: anySpec,
    status: noStatus,
    printerColumns: [],
    validate,
  });
}

function interceptorVersion(validate: (object: Interceptor) => ReturnType<typeof validateInterceptor>): KindVersion {
  return kindVersion<Interceptor>({
    name: 'v1alpha1',
    storage: true,
    spec: anySpec,
    status: z.object({ address }),
    printerColumns: [],
    setDefaults: defaultInterceptor,
    validate,
  });
}
