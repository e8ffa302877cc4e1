import { sidecarOnlyFields } from '../../core/container.ts';
import { readAnnotation } from './annotations.ts';
import { isJsonObject, type JsonObject } from '../../../json-object.ts';

/**
 * Steps and step templates of v1beta1 had fields that only make sense for other containers. v1 has them in an
 * annotation, by name of the task (upstream's task_conversion.go):
 * `{"<task>": {"deprecatedSteps": [{"tty": true}], "deprecatedStepTemplate": {"name": "x"}}}`
 */
const ANNOTATION = 'tekton.dev/v1beta1.task-deprecations';

const stepFields = Object.keys(sidecarOnlyFields);
const templateFields = ['name', ...stepFields];

/** A TaskSpec inside of an object, and the name that its deprecated fields are kept under. */
export interface TaskSpecPlace {
  name: string;
  /** Where the same task stands elsewhere in the object (a run's spec and status): its entry counts for both. */
  sameAs?: string;
  path: readonly (string | number)[];
}

/** The place of a task spec in a run's spec or status. */
export function placeIn(holder: string, name: string, path: readonly (string | number)[]): TaskSpecPlace {
  return holder === 'status' ? { name: `status/${name}`, sameAs: name, path } : { name, path };
}

/** The places of task specs in a pipeline's spec. */
export function placesInPipeline(spec: unknown, path: readonly (string | number)[]): TaskSpecPlace[] {
  return ['tasks', 'finally'].flatMap((section) => {
    const tasks = isJsonObject(spec) ? spec[section] : undefined;
    if (!Array.isArray(tasks)) return [];
    return tasks.flatMap((task: unknown, index) => {
      if (!isJsonObject(task) || !isJsonObject(task['taskSpec'])) return [];
      const name = typeof task['name'] === 'string' ? task['name'] : '';
      return [placeIn(String(path[0]), name, [...path, section, index, 'taskSpec'])];
    });
  });
}

/** Takes the fields out of every task spec, into `annotations`. */
export function stashDeprecations(
  object: JsonObject,
  places: readonly TaskSpecPlace[],
  annotations: Record<string, string>,
): JsonObject {
  const kept = new Map<string, JsonObject>();
  let result = object;
  for (const { name, sameAs, path } of places) {
    result = changedAt(result, path, (spec) => {
      const elsewhere = sameAs === undefined ? undefined : kept.get(sameAs);
      const taken =
        deprecatedOf(spec) ?? (elsewhere ? { deprecatedSteps: listOf(spec['steps']).map(() => ({})) } : undefined);
      if (taken !== undefined && JSON.stringify(taken) !== JSON.stringify(elsewhere)) kept.set(name, taken);
      return without(spec);
    });
  }
  if (kept.size > 0) {
    const before = readAnnotation(annotations, ANNOTATION);
    annotations[ANNOTATION] = JSON.stringify({ ...(isJsonObject(before) ? before : {}), ...Object.fromEntries(kept) });
  }
  return result;
}

/** Puts the fields back where the task still has as many steps as when they were taken. */
export function restoreDeprecations(
  object: JsonObject,
  places: readonly TaskSpecPlace[],
  annotations: Record<string, string>,
): JsonObject {
  const before = readAnnotation(annotations, ANNOTATION);
  if (!isJsonObject(before)) return object;
  const used = new Set<string>();
  let result = object;
  for (const { name: own, sameAs, path } of places) {
    const name = sameAs !== undefined && !Object.hasOwn(before, own) ? sameAs : own;
    const entry = Object.hasOwn(before, name) ? before[name] : undefined;
    if (!isJsonObject(entry)) continue;
    result = changedAt(result, path, (spec) => {
      const merged = withDeprecated(spec, entry);
      if (merged !== undefined) used.add(name);
      return merged ?? spec;
    });
  }
  const left = Object.entries(before).filter(([name]) => !used.has(name));
  if (left.length === 0) delete annotations[ANNOTATION];
  else if (used.size > 0) annotations[ANNOTATION] = JSON.stringify(Object.fromEntries(left));
  return result;
}

function deprecatedOf({ steps, stepTemplate }: JsonObject): JsonObject | undefined {
  const ofSteps = listOf(steps).map((step) => picked(step, stepFields));
  const ofTemplate = picked(stepTemplate, templateFields);
  if (![...ofSteps, ofTemplate].some((fields) => Object.keys(fields).length > 0)) return undefined;
  return {
    ...(ofSteps.length > 0 ? { deprecatedSteps: ofSteps } : {}),
    ...(isJsonObject(stepTemplate) ? { deprecatedStepTemplate: ofTemplate } : {}),
  };
}

function without(spec: JsonObject): JsonObject {
  const { steps, stepTemplate } = spec;
  return {
    ...spec,
    ...(Array.isArray(steps) ? { steps: steps.map((step: unknown) => omitted(step, stepFields)) } : {}),
    ...(isJsonObject(stepTemplate) ? { stepTemplate: omitted(stepTemplate, templateFields) } : {}),
  };
}

function withDeprecated(spec: JsonObject, entry: JsonObject): JsonObject | undefined {
  const steps = listOf(spec['steps']);
  const ofSteps = listOf(entry['deprecatedSteps']);
  if (ofSteps.length !== steps.length) return undefined;
  const ofTemplate = picked(entry['deprecatedStepTemplate'], templateFields);
  const template = isJsonObject(spec['stepTemplate']) ? spec['stepTemplate'] : undefined;
  return {
    ...spec,
    ...(steps.length > 0
      ? {
          steps: steps.map((step, index) =>
            isJsonObject(step) ? { ...step, ...picked(ofSteps[index], stepFields) } : step,
          ),
        }
      : {}),
    ...(template || Object.keys(ofTemplate).length > 0 ? { stepTemplate: { ...template, ...ofTemplate } } : {}),
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function picked(value: unknown, fields: readonly string[]): JsonObject {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(fields.flatMap((field) => (Object.hasOwn(value, field) ? [[field, value[field]]] : [])));
}

function omitted(value: unknown, fields: readonly string[]): unknown {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)));
}

/** The object with the node at `path` changed; as it was where there is no such node. */
function changedAt(
  node: JsonObject,
  [first, ...rest]: readonly (string | number)[],
  change: (node: JsonObject) => JsonObject,
): JsonObject {
  if (first === undefined) return change(node);
  if (Array.isArray(node)) {
    const list = node as unknown[];
    const child = list[first as number];
    return isJsonObject(child) || Array.isArray(child)
      ? (list.with(first as number, changedAt(child as JsonObject, rest, change)) as unknown as JsonObject)
      : node;
  }
  const child = Object.hasOwn(node, first) ? node[first] : undefined;
  return isJsonObject(child) || Array.isArray(child)
    ? { ...node, [first]: changedAt(child as JsonObject, rest, change) }
    : node;
}
