import type { EventListener, Trigger } from '../../api/triggers/objects.ts';
import type { InterceptorUse, LabelSelector, TriggerSelector, TriggerSpec } from '../../api/triggers/spec.ts';

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
  missing: { name: string; problem: string }[];
}

/** Where Triggers are looked up: all that this sink may see. */
export interface TriggerLookup {
  find(namespace: string, name: string): Trigger | undefined;
  values(): Iterable<Trigger>;
}

/** What an event at a listener is for. A selector without a namespace selects in the listener's own. */
export function selectTriggers(listener: EventListener, lookup: TriggerLookup): Selected {
  const namespace = listener.metadata.namespace ?? '';
  const { triggers = [], triggerGroups = [], namespaceSelector, labelSelector } = listener.spec ?? {};
  const selected = matching({ namespaceSelector, labelSelector }, namespace, lookup);
  const missing: Selected['missing'] = [];
  for (const [index, { triggerRef = '', template, ...spec }] of triggers.entries()) {
    const name = spec.name ?? '';
    if (template !== undefined) {
      selected.push({ name, namespace, spec: { ...spec, template } });
      continue;
    }
    const found = triggerRef === '' ? undefined : lookup.find(namespace, triggerRef);
    if (found) selected.push(ofObject(found));
    else {
      const problem =
        triggerRef === ''
          ? `spec.triggers[${index}] has neither template nor triggerRef`
          : `Trigger ${namespace}/${triggerRef} is not there`;
      missing.push({ name: name || triggerRef, problem });
    }
  }
  const groups = triggerGroups.map(({ name = '', interceptors = [], triggerSelector = {} }) => ({
    name,
    interceptors,
    triggers: matching(triggerSelector, namespace, lookup),
  }));
  return { triggers: selected, groups, missing };
}

function ofObject({ metadata, spec = {} }: Trigger): SelectedTrigger {
  return { name: metadata.name ?? '', namespace: metadata.namespace ?? '', spec };
}

function matching(selector: TriggerSelector, own: string, lookup: TriggerLookup): SelectedTrigger[] {
  const names = selector.namespaceSelector?.matchNames ?? [];
  if (names.length === 0 && selector.labelSelector === undefined) return [];
  const isIn = (namespace: string): boolean =>
    names.length === 0 ? namespace === own : names.includes('*') || names.includes(namespace);
  return [...lookup.values()]
    .filter(
      ({ metadata }) => isIn(metadata.namespace ?? '') && hasLabels(metadata.labels ?? {}, selector.labelSelector),
    )
    .map(ofObject);
}

/** metav1.LabelSelector. An operator that is none matches nothing. */
export function hasLabels(labels: Readonly<Record<string, string>>, selector: LabelSelector | undefined): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return equal && matchExpressions.every((expression) => fits(labels[expression.key], expression));
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
