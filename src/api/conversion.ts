import { isJsonObject, type JsonObject } from '../json-object.ts';

/**
 * Two versions of one kind, told apart by where their fields differ: the same description converts there, back, and the
 * paths in messages. Fields that it does not name are the same in both.
 */
export interface Shape {
  /** Fields that another version calls otherwise: name there -> name in the stored version. */
  names?: Readonly<Record<string, string>>;
  /** Fields with differences inside, under the other version's name. A function, where shapes contain themselves. */
  fields?: Readonly<Record<string, Shape | (() => Shape)>>;
  /** What no renaming can say, applied to the stored form. */
  toStored?: (node: JsonObject) => JsonObject;
  fromStored?: (node: JsonObject) => JsonObject;
}

/** Definitions nest (a pipeline in a pipeline, attempts of attempts); deeper ones are left as they are. */
const DEEPEST = 50;

/** The node in the stored version. Lists are taken item by item; what has not the form expected stays as it is. */
export function toStored(shape: Shape, json: unknown, depth = 0): unknown {
  if (Array.isArray(json)) return json.map((item) => toStored(shape, item, depth));
  if (!isJsonObject(json) || depth > DEEPEST) return json;
  const { names = {}, fields = {} } = shape;
  const result = moved(json, names, (field, value) => {
    const inner = fieldShape(fields, field);
    return inner ? toStored(inner, value, depth + 1) : value;
  });
  return shape.toStored ? shape.toStored(result) : result;
}

/** The node as the other version has it. */
export function fromStored(shape: Shape, json: unknown, depth = 0): unknown {
  if (Array.isArray(json)) return json.map((item) => fromStored(shape, item, depth));
  if (!isJsonObject(json) || depth > DEEPEST) return json;
  const { fields = {} } = shape;
  const names = reversed(shape.names ?? {});
  return moved(shape.fromStored ? shape.fromStored(json) : json, names, (field, value) => {
    const inner = fieldShape(fields, names[field] ?? field);
    return inner ? fromStored(inner, value, depth + 1) : value;
  });
}

/** Where the other version has what the stored one has at `path`: `stepSpecs[0].computeResources` -> ... */
export function pathFromStored(shape: Shape, path: string): string {
  const [, name = '', index = '', rest = ''] = /^([^.[]*)(\[[^\]]*\])?\.?(.*)$/s.exec(path) ?? [];
  const field = reversed(shape.names ?? {})[name] ?? name;
  const inner = fieldShape(shape.fields ?? {}, field);
  const tail = inner ? pathFromStored(inner, rest) : rest;
  return tail === '' ? `${field}${index}` : `${field}${index}.${tail}`;
}

function fieldShape(fields: NonNullable<Shape['fields']>, name: string): Shape | undefined {
  const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof shape === 'function' ? shape() : shape;
}

function reversed(names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(names).map(([there, stored]) => [stored, there]));
}

/** The fields under their new names. One that already has the new name is another version's, and gives way. */
function moved(
  node: JsonObject,
  names: Readonly<Record<string, string>>,
  convert: (field: string, value: unknown) => unknown,
): JsonObject {
  const taken = new Set(Object.keys(names).flatMap((name) => (Object.hasOwn(node, name) ? [names[name]] : [])));
  return Object.fromEntries(
    Object.entries(node).flatMap(([field, value]) => {
      const name = Object.hasOwn(names, field) ? names[field] : undefined;
      if (name === undefined && taken.has(field)) return [];
      return [[name ?? field, convert(field, value)]];
    }),
  );
}
