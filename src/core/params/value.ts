import { toParamValue, type ParamSpec, type ParamType, type ParamValue } from '../../api/pipeline/v1/params.ts';

/** The type that a value has by itself. */
export function typeOfValue(value: ParamValue): ParamType {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'object' : 'string';
}

/**
 * The declared type, or the one that defaulting would have set: from properties, then from the default, else string.
 */
export function typeOfSpec(spec: ParamSpec): ParamType {
  if (spec.type !== undefined) return spec.type;
  if (spec.properties !== undefined) return 'object';
  return spec.default === undefined ? 'string' : typeOfValue(toParamValue(spec.default));
}
