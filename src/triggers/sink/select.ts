import type { EventListener, Trigger } from '../../api/triggers/objects.ts';
import { isScheduled } from '../../api/triggers/schedule.ts';
import type {
  InterceptorUse,
  LabelSelector,
  ListenerTrigger,
  TriggerSelector,
  TriggerSpec,
} from '../../api/triggers/spec.ts';

/** One trigger of a listener, wherever it is written. */
export interface SelectedTrigger {
  name: string;
  /** Its bindings, templates, secrets and ServiceAccount are there, and what it creates unless it says otherwise. */
  namespace: string;
  spec: TriggerSpec;
}

/** Triggers with the interceptors that all of them share. */
export interface SelectedGroup {
  name: string;
  interceptors: readonly InterceptorUse[];
  triggers: readonly SelectedTrigger[];
}

export interface Selected {
  triggers: SelectedTrigger[];
  groups: SelectedGroup[];
  /** Triggers that cannot be found: the others still run. */
  missing: MissingTrigger[];
}

interface MissingTrigger {
  name: string;
  problem: string;
}

/** Where Triggers are looked up: all that this sink may see. */
export interface TriggerLookup {
  find(namespace: string, name: string): Trigger | undefined;
  values(): Iterable<Trigger>;
}

/**
 * What an event at a listener is for. A selector without a namespace selects in the listener's own. A Trigger with a
 * schedule takes no event from outside.
 */
export function selectTriggers(listener: EventListener, lookup: TriggerLookup): Selected {
  const namespace = listener.metadata.namespace ?? '';
  const { triggers = [], triggerGroups = [], namespaceSelector, labelSelector } = listener.spec ?? {};
  const selected = matching({ namespaceSelector, labelSelector }, namespace, lookup).filter(isForEvents).map(ofObject);
  const missing: Selected['missing'] = [];
  for (const [index, entry] of triggers.entries()) {
    const found = listed(entry, index, namespace, lookup);
    if ('problem' in found) missing.push(found);
    else selected.push(...found);
  }
  const groups = triggerGroups.map(({ name = '', interceptors = [], triggerSelector = {} }) => ({
    name,
    interceptors,
    triggers: matching(triggerSelector, namespace, lookup).filter(isForEvents).map(ofObject),
  }));
  return { triggers: selected, groups, missing };
}

/** What an entry of spec.triggers brings: itself, or the Trigger that it names. */
function listed(
  { triggerRef = '', template, ...spec }: ListenerTrigger,
  index: number,
  namespace: string,
  lookup: TriggerLookup,
): SelectedTrigger[] | MissingTrigger {
  const name = spec.name ?? '';
  if (template !== undefined) return [{ name, namespace, spec: { ...spec, template } }];
  if (triggerRef === '') return { name, problem: `spec.triggers[${index}] has neither template nor triggerRef` };
  const found = lookup.find(namespace, triggerRef);
  if (!found) return { name: name || triggerRef, problem: `Trigger ${namespace}/${triggerRef} is not there` };
  return isForEvents(found) ? [ofObject(found)] : [];
}

function isForEvents({ metadata }: Trigger): boolean {
  return !isScheduled(metadata.annotations);
}

/** The Triggers with a schedule that a listener selects, each once. */
export function scheduledTriggers(listener: EventListener, lookup: TriggerLookup): Trigger[] {
  const namespace = listener.metadata.namespace ?? '';
  const { triggers = [], triggerGroups = [], ...selector } = listener.spec ?? {};
  const referred = triggers.flatMap(({ triggerRef = '', template }) =>
    template === undefined && triggerRef !== '' ? (lookup.find(namespace, triggerRef) ?? []) : [],
  );
  const grouped = triggerGroups.flatMap(({ triggerSelector = {} }) => matching(triggerSelector, namespace, lookup));
  const all = [...referred, ...matching(selector, namespace, lookup), ...grouped];
  return [...new Set(all)].filter(({ metadata }) => isScheduled(metadata.annotations));
}

/** The ways in which a listener selects one Trigger: by itself, through groups, or both. */
export function selectOne(listener: EventListener, lookup: TriggerLookup, trigger: Trigger): Selected {
  const namespace = listener.metadata.namespace ?? '';
  const { triggers = [], triggerGroups = [], ...selector } = listener.spec ?? {};
  const isMeant = ({ metadata }: Trigger): boolean => metadata.uid === trigger.metadata.uid;
  const only: TriggerLookup = {
    find: (...place) => [lookup.find(...place)].find((found) => found && isMeant(found)),
    values: () => [...lookup.values()].filter(isMeant),
  };
  const isReferred = triggers.some(
    ({ triggerRef = '', template }) => template === undefined && only.find(namespace, triggerRef) !== undefined,
  );
  const isSelected = isReferred || matching(selector, namespace, only).length > 0;
  const groups = triggerGroups
    .filter(({ triggerSelector = {} }) => matching(triggerSelector, namespace, only).length > 0)
    .map(({ name = '', interceptors = [] }) => ({ name, interceptors, triggers: [ofObject(trigger)] }));
  return { triggers: isSelected ? [ofObject(trigger)] : [], groups, missing: [] };
}

function ofObject({ metadata, spec = {} }: Trigger): SelectedTrigger {
  return { name: metadata.name ?? '', namespace: metadata.namespace ?? '', spec };
}

function matching(selector: TriggerSelector, own: string, lookup: TriggerLookup): Trigger[] {
  const names = selector.namespaceSelector?.matchNames ?? [];
  if (names.length === 0 && selector.labelSelector === undefined) return [];
  const isIn = (namespace: string): boolean =>
    names.length === 0 ? namespace === own : names.includes('*') || names.includes(namespace);
  return [...lookup.values()].filter(
    ({ metadata }) => isIn(metadata.namespace ?? '') && hasLabels(metadata.labels ?? {}, selector.labelSelector),
  );
}

/** metav1.LabelSelector. An operator that is none matches nothing. */
export function hasLabels(labels: Readonly<Record<string, string>>, selector: LabelSelector | undefined): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const valueOf = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const equal = Object.entries(matchLabels).every(([key, value]) => valueOf(key) === value);
  return equal && matchExpressions.every((expression) => fits(valueOf(expression.key), expression));
}

function fits(
  value: string | undefined,
  { operator, values = [] }: { operator: string; values?: string[] | undefined },
) {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
