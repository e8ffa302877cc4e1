import { toParamValue } from '../../api/pipeline/v1/params.ts';
import { formatDuration, parseDuration, DurationError } from '../../duration.ts';
import { shapes } from './go-shapes.ts';
import { canonicalQuantity } from './quantity.ts';
import { isJsonObject } from '../../json-object.ts';

/**
 * A spec as upstream's Go types would write it after reading it: zero values as their json tags say, durations as
 * `1h0m0s`, quantities in canonical form. Fields that the shapes do not know are kept as they are (Go would lose them).
 * Values of an unexpected form are kept too: this never throws.
 */
export function asGoWrites(shape: string, value: unknown): unknown {
  return convert(shape, value);
}

/** A field's value, undefined when Go would leave the field out. */
function written(type: string, value: unknown): unknown {
  if (type.endsWith('!')) return convert(type.slice(0, -1), value);
  if (value === undefined || value === null) return undefined;
  const result = convert(type, value);
  return isZero(type, result) ? undefined : result;
}

const scalars: Readonly<Record<string, (value: unknown) => unknown>> = {
  text: (value) => value ?? '',
  any: (value) => value ?? null,
  value: toParamValue,
  quantity: (value) =>
    typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : (value ?? '0'),
  duration: (value) => (typeof value === 'string' ? goDuration(value) : value),
  number: (value) => value,
  flag: (value) => value,
};

function convert(type: string, value: unknown): unknown {
  const inner = type.slice(0, -2);
  if (type.endsWith('[]')) return Array.isArray(value) ? value.map((item) => convert(inner, item)) : value;
  if (type.endsWith('{}'))
    return isJsonObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(inner, item)]))
      : value;
  const scalar = scalars[type];
  return scalar ? scalar(value) : struct(type, value ?? {});
}

function struct(type: string, value: unknown): unknown {
  const shape = shapes[type];
  if (shape === undefined || !isJsonObject(value)) return value;
  const known = Object.entries(shape).map(
    ([field, fieldType]) =>
      [field, written(fieldType, Object.hasOwn(value, field) ? value[field] : undefined)] as const,
  );
  const unknown = Object.entries(value).filter(([field]) => !Object.hasOwn(shape, field));
  return Object.fromEntries([...known, ...unknown].filter(([, item]) => item !== undefined));
}

function isZero(type: string, value: unknown): boolean {
  if (type.endsWith('[]')) return Array.isArray(value) && value.length === 0;
  if (type.endsWith('{}')) return isJsonObject(value) && Object.keys(value).length === 0;
  return (
    (type === 'text' && value === '') || (type === 'number' && value === 0) || (type === 'flag' && value === false)
  );
}

function goDuration(text: string): string {
  try {
    return formatDuration(parseDuration(text));
  } catch (error) {
    // A variable, or what a webhook let through: shown as it stands.
    if (error instanceof DurationError) return text;
    throw error;
  }
}
