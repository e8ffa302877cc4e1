import type { ParamSpec, ParamType, ParamValue } from '../../api/pipeline/v1/params.ts';

/**
 * A param or result value from untyped JSON, as upstream reads it: lists of strings and maps of strings keep their type,
 * anything else (numbers, booleans, nested lists) becomes a string holding its JSON text.
 */
export function toParamValue(json: unknown): ParamValue {
  if (typeof json === 'string') return json;
  if (json === undefined || json === null) return '';
  if (Array.isArray(json)) return json.every((item) => typeof item === 'string') ? (json as string[]) : JSON.stringify(json);
  if (typeof json === 'object') {
    const values: unknown[] = Object.values(json);
    return values.every((item) => typeof item === 'string') ? (json as Record<string, string>) : JSON.stringify(json);
  }
  return JSON.stringify(json);
}

/** The type that a value has by itself. */
export function typeOfValue(value: ParamValue): ParamType {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'object' : 'string';
}

/** The declared type, or the one that defaulting would have set: from properties, then from the default, else string. */
export function typeOfSpec(spec: ParamSpec): ParamType {
  if (spec.type !== undefined) return spec.type;
  if (spec.properties !== undefined) return 'object';
  return spec.default === undefined ? 'string' : typeOfValue(toParamValue(spec.default));
}
