import { closest, distance } from 'fastest-levenshtein';
import type { FieldError } from './fielderror.ts';
import type { StructuralSchema } from './structural.ts';

/** JSON in the form that the schema describes, and what does not fit into it. */
export interface Decoded {
  value: unknown;
  errors: FieldError[];
}

/** No field that we know is longer. */
const longestField = 64;

const preserves = 'x-kubernetes-preserve-unknown-fields';

/**
 * Reads JSON that the API server passed through unchecked (a schema with preserve-unknown-fields), as upstream's
 * webhook reads it: Go's encoding/json takes a field name in any case for the one it knows (`mountpath` for
 * `mountPath`), drops null, and refuses unknown fields and wrong types. Never throws; a wrong part is left out of the
 * value.
 */
export function decodeAs(schema: StructuralSchema, json: unknown, path = ''): Decoded {
  const errors: FieldError[] = [];
  return { value: decode(schema, json, path, errors), errors };
}

function decode(schema: StructuralSchema, json: unknown, path: string, errors: FieldError[]): unknown {
  if (json === null || json === undefined) return undefined;
  if (schema.type === undefined) return json;
  if (!isOfType(schema.type, json)) {
    errors.push({ path, message: `invalid value: ${excerpt(json)}: must be ${article(schema.type)}` });
    return undefined;
  }
  if (Array.isArray(json))
    return json.flatMap((item, index) => decode(schema.items ?? {}, item, `${path}[${index}]`, errors) ?? []);
  return schema.type === 'object' ? decodeObject(schema, json as Record<string, unknown>, path, errors) : json;
}

function isOfType(type: NonNullable<StructuralSchema['type']>, json: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(json);
    case 'array':
      return Array.isArray(json);
    case 'object':
      return typeof json === 'object' && !Array.isArray(json);
    default:
      return typeof json === type;
  }
}

function decodeObject(
  schema: StructuralSchema,
  json: Record<string, unknown>,
  path: string,
  errors: FieldError[],
): Record<string, unknown> {
  const { properties } = schema;
  const within = (name: string) => (path === '' ? name : `${path}.${name}`);
  // A user's key may be `__proto__`, which assignment to an ordinary object would lose.
  const result = new Map<string, unknown>();
  for (const [given, value] of Object.entries(json)) {
    const name = properties ? fieldName(properties, given) : given;
    const inner = name === undefined ? undefined : schemaWithin(schema, name);
    if (name === undefined || inner === undefined) {
      if (schema[preserves]) result.set(given, value);
      else
        errors.push({
          path: within(given),
          message: `unknown field "${shortened(given)}"${suggestion(given, properties)}`,
        });
      continue;
    }
    const decoded = decode(inner, value, within(name), errors);
    if (decoded !== undefined) result.set(name, decoded);
  }
  return Object.fromEntries(result);
}

/** Of a field or key; undefined for one that has no place here. */
function schemaWithin(
  { properties, additionalProperties, [preserves]: keepsAll }: StructuralSchema,
  name: string,
): StructuralSchema | undefined {
  const own = properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
  return own ?? additionalProperties ?? (keepsAll ? {} : undefined);
}

function fieldName(properties: Readonly<Record<string, unknown>>, given: string): string | undefined {
  if (Object.hasOwn(properties, given)) return given;
  if (given.length > longestField) return undefined;
  return Object.keys(properties).find((name) => name.toLowerCase() === given.toLowerCase());
}

/** The field that was meant, as far as one can tell from its name; else all that there are. */
function suggestion(given: string, properties: Readonly<Record<string, unknown>> | undefined): string {
  if (!properties) return '';
  const names = Object.keys(properties);
  if (given.length <= longestField && names.length > 0) {
    const nearest = closest(given, names);
    if (distance(given.toLowerCase(), nearest.toLowerCase()) <= Math.max(1, Math.floor(nearest.length / 3)))
      return `; did you mean "${nearest}"?`;
  }
  return `; the fields here are ${names.join(', ')}`;
}

/** A value as an error shows it: it may be as large as the object itself. */
function excerpt(json: unknown): string {
  return shortened(JSON.stringify(json));
}

function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`;
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** Fields that the schema asks for and the value has not. */
export function missingFields(schema: StructuralSchema, value: unknown, path = ''): FieldError[] {
  const errors: FieldError[] = [];
  collectMissing(schema, value, path, errors);
  return errors;
}

function collectMissing(schema: StructuralSchema, value: unknown, path: string, errors: FieldError[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      collectMissing(schema.items ?? {}, item, `${path}[${index}]`, errors);
    });
    return;
  }
  const fields = value as Record<string, unknown>;
  const { required = [], properties = {}, additionalProperties } = schema;
  const missing = required.filter((name) => fields[name] === undefined);
  for (const name of missing) errors.push({ path: `${path}.${name}`, message: 'missing field(s)' });
  for (const name of Object.keys(fields)) {
    const inner = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    // Nothing is asked for below what the schema does not describe.
    if (inner) collectMissing(inner, fields[name], `${path}.${name}`, errors);
  }
}
