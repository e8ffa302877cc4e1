/**
 * A param or result value: untyped JSON on the wire. Numbers and nested arrays are kept as their JSON text by upstream.
 */
export type ParamValue = string | string[] | Record<string, string>;

/**
 * A param or result value from untyped JSON, as upstream reads it: lists of strings and maps of strings keep their
 * type, anything else (numbers, booleans, nested lists) becomes a string holding its JSON text.
 */
export function toParamValue(json: unknown): ParamValue {
  if (typeof json === 'string') return json;
  if (json === undefined || json === null) return '';
  if (Array.isArray(json)) return json.every((item) => typeof item === 'string') ? json : JSON.stringify(json);
  if (typeof json === 'object') {
    const values: unknown[] = Object.values(json);
    return values.every((item) => typeof item === 'string') ? (json as Record<string, string>) : JSON.stringify(json);
  }
  return JSON.stringify(json);
}
