import type { KubeObject, Resource } from '../../resource.ts';
import { decodeAs } from '../decode.ts';
import { via, type FieldError } from '../fielderror.ts';
import type { Condition } from '../meta.ts';
import { triggersGroup, triggersResources as resources } from './resources.ts';
import {
  specForms,
  type EventListenerSpec,
  type InterceptorSpec,
  type TriggerSpec,
  type TriggersKind,
  type TriggerTemplateSpec,
} from './spec.ts';

interface TriggersObject<Spec, Status = object> extends KubeObject {
  spec?: Spec;
  status?: Status;
}

export interface EventListenerStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  annotations?: Record<string, string>;
  address?: { url?: string };
  configuration?: { generatedName?: string };
}

export interface AddressStatus {
  address?: { url?: string };
}

/** How a Trigger's schedule is kept. Times are RFC 3339, UTC. */
export interface ScheduleStatus {
  /** What it is kept by; when it differs from the annotations, times count anew. */
  schedule?: string;
  timeZone?: string;
  suspended?: boolean;
  /** Times up to this one are not made up for. */
  since?: string;
  lastScheduleTime?: string;
  lastOutcome?: string;
  lastMessage?: string;
  lastCreated?: string[];
  nextScheduleTime?: string;
}

export interface TriggerStatus {
  conditions?: Condition[];
  schedule?: ScheduleStatus;
}

export type EventListener = TriggersObject<EventListenerSpec, EventListenerStatus>;
export type Trigger = TriggersObject<TriggerSpec, TriggerStatus>;
export type TriggerBinding = TriggersObject<{ params?: { name?: string; value?: string }[] }>;
export type TriggerTemplate = TriggersObject<TriggerTemplateSpec>;
export type Interceptor = TriggersObject<InterceptorSpec, AddressStatus>;

export { triggersGroup };
export const eventListeners = resources.EventListener as Resource<EventListener>;
export const triggers = resources.Trigger as Resource<Trigger>;
export const triggerBindings = resources.TriggerBinding as Resource<TriggerBinding>;
export const clusterTriggerBindings = resources.ClusterTriggerBinding as Resource<TriggerBinding>;
export const triggerTemplates = resources.TriggerTemplate as Resource<TriggerTemplate>;
export const clusterInterceptors = resources.ClusterInterceptor as Resource<Interceptor>;
export const interceptors = resources.Interceptor as Resource<Interceptor>;

/**
 * An object whose spec is read as upstream's Go does (decode.ts), and what is wrong with it. The API server lets
 * everything through.
 */
export function decoded<T extends TriggersObject<unknown, unknown>>(
  kind: TriggersKind,
  object: T,
): { object: T; errors: FieldError[] } {
  const { value, errors } = decodeAs(specForms[kind], object.spec ?? {});
  return { object: { ...object, spec: value }, errors: via('spec', errors) };
}
