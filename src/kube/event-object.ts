import type { KubeObject } from './object.ts';
import type { CoreEvent } from './resources.ts';

export type EventType = 'Normal' | 'Warning';
/** Whom an event is about. apiVersion and kind are needed; list items and watch objects have them. */
export type EventTarget = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>;

const MESSAGE_LIMIT = 1024;

/** What is told of an object. */
export interface ToldEvent {
  type: EventType;
  reason: string;
  message: string;
  /** Of several that are counted as one: those of the last. */
  annotations?: Readonly<Record<string, string>>;
}

export interface EventContent extends ToldEvent {
  /** source.component: who speaks. */
  component: string;
}

/** The object that tells of an event; `serial` makes its name unique within a millisecond. */
export function composeEvent(target: EventTarget, content: EventContent, now: Date, serial: number): CoreEvent {
  const { name = '', namespace, uid, resourceVersion } = target.metadata;
  const at = eventTime(now);
  // Time and serial in hex, as client-go's names: unique and in order.
  const suffix = (BigInt(now.getTime()) * 1_000_000n + BigInt(serial % 1_000_000)).toString(16);
  const { component, annotations, ...said } = content;
  return {
    // A name cut short must still end in a letter or digit.
    metadata: {
      name: `${name.slice(0, 200).replace(/[^a-z0-9]+$/i, '')}.${suffix}`,
      namespace: namespace || 'default',
      ...(annotations === undefined ? {} : { annotations }),
    },
    involvedObject: {
      apiVersion: target.apiVersion ?? '',
      kind: target.kind ?? '',
      name,
      uid: uid ?? '',
      ...(namespace ? { namespace } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
    },
    ...said,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component },
    reportingComponent: component,
    reportingInstance: '',
  };
}

/** metav1.Time has whole seconds. */
export function eventTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** To 1024 characters, the last of them dots when something was cut, and never through a surrogate pair. */
export function cutMessage(message: string): string {
  if (message.length <= MESSAGE_LIMIT) return message;
  const kept = message.slice(0, MESSAGE_LIMIT - 3);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}...`;
}
