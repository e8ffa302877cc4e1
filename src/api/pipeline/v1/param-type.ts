import type { ParamSpec, ParamType } from './params.ts';

/**
 * The type that a value has by itself; whatever is neither list nor map of texts counts as text, as upstream reads it.
 */
export function typeOfParamValue(value: unknown): ParamType {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? 'array' : 'string';
  if (typeof value !== 'object' || value === null) return 'string';
  return Object.values(value).every((item) => typeof item === 'string') ? 'object' : 'string';
}

/** The declared type, or what defaulting will make of it. */
export function typeOfParamSpec(spec: ParamSpec): ParamType {
  if (spec.type) return spec.type;
  if (spec.properties !== undefined) return 'object';
  return spec.default === undefined ? 'string' : typeOfParamValue(spec.default);
}
