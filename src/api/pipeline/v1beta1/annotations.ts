import { isJsonObject, type JsonObject } from '../../../json-object.ts';

/**
 * Fields that v1 has no more are kept in an annotation of the v1 object, as upstream does. The annotation is the user's
 * to write: what is not JSON of the form expected stays an ordinary annotation, so that nobody's object makes a whole
 * list unreadable.
 */

/** Where a field that was removed is kept: path of its object, name, annotation, and whether it is a list. */
export interface RemovedField {
  parent: 'spec' | 'status';
  field: string;
  annotation: string;
  list?: boolean;
}

type Annotations = Record<string, string>;

export function annotationsOf(object: JsonObject): Annotations {
  const metadata = isJsonObject(object['metadata']) ? object['metadata'] : {};
  return isJsonObject(metadata['annotations']) ? { ...(metadata['annotations'] as Annotations) } : {};
}

/** The object with these annotations, and with the field gone when there are none. */
export function withAnnotations(object: JsonObject, annotations: Annotations): JsonObject {
  const metadata = isJsonObject(object['metadata']) ? object['metadata'] : {};
  const { annotations: before, ...rest } = metadata;
  const none = Object.keys(annotations).length === 0;
  const kept = none && (before === undefined || Object.keys(before ?? {}).length > 0) ? {} : { annotations };
  return { ...object, metadata: { ...rest, ...kept } };
}

/** Moves removed fields out of the object, into `annotations`. */
export function stash(object: JsonObject, fields: readonly RemovedField[], annotations: Annotations): JsonObject {
  let result = object;
  for (const { parent, field, annotation } of fields) {
    const holder = result[parent];
    if (!isJsonObject(holder) || holder[field] === undefined || holder[field] === null) continue;
    const { [field]: value, ...rest } = holder;
    annotations[annotation] = JSON.stringify(value);
    result = { ...result, [parent]: rest };
  }
  return result;
}

/** Moves removed fields back, out of `annotations`. */
export function restore(object: JsonObject, fields: readonly RemovedField[], annotations: Annotations): JsonObject {
  let result = object;
  for (const { parent, field, annotation, list = false } of fields) {
    const value = readAnnotation(annotations, annotation);
    const holder = result[parent];
    if (!isJsonObject(holder) || holder[field] !== undefined) continue;
    if (list ? !Array.isArray(value) : !isJsonObject(value)) continue;
    delete annotations[annotation];
    result = { ...result, [parent]: { ...holder, [field]: value } };
  }
  return result;
}

export function readAnnotation(annotations: Annotations, name: string): unknown {
  const text = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
