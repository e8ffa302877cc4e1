import { z } from 'zod';
import { bounds, integerBounds } from './number-bounds.ts';

/** A Kubernetes structural schema (apiextensions.k8s.io/v1 JSONSchemaProps, the part that we write). */
export interface StructuralSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  format?: string;
  pattern?: string;
  enum?: (string | number | boolean)[];
  default?: unknown;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  /** Only the two branches of an int-or-string. */
  anyOf?: { type: 'integer' | 'string' }[];
  'x-kubernetes-int-or-string'?: true;
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: ValidationRule[];
}

/** A rule in CEL that the API server holds. One that names oldSelf is for updates alone. */
export interface ValidationRule {
  rule: string;
  message: string;
  /** What the error names, when it is not the node that has the rule. */
  fieldPath?: string;
}

/**
 * A schema that Kubernetes' structural form cannot express: an error of whoever wrote the schema, so generation stops.
 */
export class StructuralSchemaError extends Error {
  override name = 'StructuralSchemaError';
  readonly path: string;
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}

type Node = Record<string, unknown>;

const PRESERVE = 'x-kubernetes-preserve-unknown-fields';
const INT_OR_STRING = 'x-kubernetes-int-or-string';
const TYPES = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);

/** Keywords taken over as they are. */
const COPIED = [
  'description',
  'format',
  'pattern',
  'enum',
  'default',
  'nullable',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'required',
  PRESERVE,
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

/** Keywords that the code below reads itself. */
const HANDLED = new Set<string>([
  ...COPIED,
  'type',
  'minimum',
  'maximum',
  'properties',
  'additionalProperties',
  'items',
  'anyOf',
  INT_OR_STRING,
]);

const FORBIDDEN: Readonly<Record<string, string>> = {
  $ref: 'a reference is not structural; do not use .meta({ id })',
  definitions: 'definitions are not structural; do not use .meta({ id })',
  $defs: 'definitions are not structural; do not use .meta({ id })',
  oneOf: 'oneOf with whole branches is not structural; use optional fields and a check in the validator',
  allOf: 'allOf is not structural; join the patterns into one, or use .extend in place of an intersection',
  not: 'not is not structural; check it in the validator',
  uniqueItems: "uniqueItems is refused by the API server; use x-kubernetes-list-type: 'set'",
};

/**
 * The structural schema of a zod schema, as a CRD's openAPIV3Schema wants it (rules: Kubernetes docs, "Specifying a
 * structural schema"). Input side of the schema: what users write, before defaults.
 * @throws StructuralSchemaError with the path of the first node that has no structural form.
 */
export function structuralSchema(schema: z.ZodType, path = '$'): StructuralSchema {
  return rewrite(jsonSchemaOf(schema, path), path);
}

function jsonSchemaOf(schema: z.ZodType, path: string): Node {
  try {
    return z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', cycles: 'throw' });
  } catch (error) {
    const problem = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new StructuralSchemaError(
      path,
      `${problem}; use wire types (text for times and quantities) and cut recursion with preserved()`,
    );
  }
}

function rewrite(node: Node, path: string): StructuralSchema {
  refuseUnstructured(node, path);
  const copied = Object.fromEntries(
    COPIED.flatMap((keyword) => (node[keyword] === undefined ? [] : [[keyword, node[keyword]]])),
  );
  if (node[INT_OR_STRING] === true)
    return { ...copied, anyOf: [{ type: 'integer' }, { type: 'string' }], [INT_OR_STRING]: true };
  if (node['anyOf'] !== undefined) return reducedUnion(node, copied);
  if (node['type'] === undefined) {
    if (node[PRESERVE] === true) return copied;
    throw new StructuralSchemaError(path, 'has no type; give it one, or use preserved()');
  }
  return typed(node, copied, path);
}

function refuseUnstructured(node: Node, path: string): void {
  for (const [keyword, problem] of Object.entries(FORBIDDEN)) {
    if (node[keyword] !== undefined) throw new StructuralSchemaError(path, problem);
  }
  for (const keyword of Object.keys(node)) {
    if (!HANDLED.has(keyword)) throw new StructuralSchemaError(path, `keyword ${keyword} has no structural form`);
  }
  if (
    typeof node['pattern'] === 'string' &&
    /\(\?(?:[=!]|<[=!])|\\[1-9]/.test(node['pattern']) &&
    node['format'] === undefined
  ) {
    throw new StructuralSchemaError(
      path,
      `pattern ${node['pattern']} needs look-around or back-references, which the API server's RE2 has not`,
    );
  }
}

/**
 * A union keeps only "any JSON": type inside anyOf is forbidden. Upstream does the same for param values; validators
 * check the form.
 */
function reducedUnion(node: Node, copied: StructuralSchema): StructuralSchema {
  const description = node['description'] === undefined ? {} : { description: copied.description };
  return { ...description, [PRESERVE]: true };
}

function typed(node: Node, copied: StructuralSchema, path: string): StructuralSchema {
  const type = typeOf(node, path);
  if (copied.enum?.some((value) => value === null))
    throw new StructuralSchemaError(path, 'null is no value of an enum; leave the field out');
  switch (type) {
    case 'object':
      return { ...copied, type, ...objectShape(node, copied, path) };
    case 'array':
      return { ...copied, type, items: itemsOf(node, path) };
    case 'string':
      return { ...withoutTimePattern(copied), type };
    case 'integer':
      return { ...copied, type, ...integerBounds(node) };
    case 'number':
    case 'boolean':
      return { ...copied, type, ...bounds(node) };
    default: {
      const never: never = type;
      return never;
    }
  }
}

function typeOf(node: Node, path: string): NonNullable<StructuralSchema['type']> {
  const type = node['type'] as StructuralSchema['type'];
  if (typeof type !== 'string' || !TYPES.has(type))
    throw new StructuralSchemaError(path, `type ${JSON.stringify(type)} has no structural form`);
  return type;
}

function objectShape(node: Node, copied: StructuralSchema, path: string): StructuralSchema {
  const properties = node['properties'] as Record<string, Node> | undefined;
  const additional = node['additionalProperties'];
  if (additional === false)
    throw new StructuralSchemaError(
      path,
      'additionalProperties: false is refused by the API server; use z.object (unknown fields are pruned or refused anyway)',
    );
  if (properties !== undefined) {
    // A loose object's additionalProperties: {} excludes properties; the API server prunes unknown fields unless told
    // to preserve them.
    if (additional !== undefined && !isEmpty(additional))
      throw new StructuralSchemaError(path, 'properties and additionalProperties exclude each other');
    return {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [name, rewrite(child, `${path}.${name}`)]),
      ),
    };
  }
  if (additional !== undefined) {
    if (copied.required !== undefined)
      throw new StructuralSchemaError(path, 'a record with fixed keys has no structural form; use z.object');
    return { additionalProperties: rewrite(additional as Node, `${path}.*`) };
  }
  if (copied[PRESERVE] !== true)
    throw new StructuralSchemaError(
      path,
      'is an object without fields: everything in it would be pruned; use preservedObject()',
    );
  return {};
}

function itemsOf(node: Node, path: string): StructuralSchema {
  const items = node['items'];
  if (items === undefined || Array.isArray(items))
    throw new StructuralSchemaError(path, 'an array needs one schema for its items');
  return rewrite(items as Node, `${path}[]`);
}

/** zod's pattern for times is long and stricter than the API server's own check of the format. */
function withoutTimePattern(copied: StructuralSchema): StructuralSchema {
  if (copied.format !== 'date-time') return copied;
  const { pattern: _pattern, ...rest } = copied;
  return rest;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
