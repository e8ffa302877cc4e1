import { messageOf } from '../../errors.ts';
import { formatDuration, parseDuration } from '../../duration.ts';
import { toParamValue } from '../../api/pipeline/v1/params.ts';
import { byBytes, goJson, goString } from '../go-json.ts';
import forms from './forms.json' with { type: 'json' };
import { canonicalQuantity } from './go-quantity.ts';

/** Name, `?` for omitempty and `0` for omitzero, type. */
type Field = readonly [name: string, flags: string, type: string];

const roots = forms.roots as Readonly<Record<string, string>>;
const structs = new Map(Object.entries(forms.structs as unknown as Record<string, Field[]>));

/** An object that does not fit the Go type: what it has beyond that would not be signed. */
export class FormError extends Error {
  override name = 'FormError';
}

/** Go structs nest in circles only through pipelines in pipelines. */
const deepest = 64;

/**
 * An object as Go's encoding/json writes the type of this version and kind: the text that signatures of trusted
 * resources are over. It does not depend on the order in which a YAML file has its fields.
 * @param version `tekton.dev/v1 Task`
 * @param nullTimes times that are not set are written as null, as libraries before Kubernetes 1.34 did
 * @throws FormError for a version or kind without a form, and for fields that the type does not have.
 */
export function goForm(version: string, object: Readonly<Record<string, unknown>>, nullTimes = false): string {
  const root = Object.hasOwn(roots, version) ? roots[version] : undefined;
  if (root === undefined) throw new FormError(`${version} has no signed form`);
  return encode(root, object, { path: '', depth: 0, nullTimes });
}

interface Place {
  path: string;
  depth: number;
  nullTimes: boolean;
}

function encode(type: string, value: unknown, place: Place): string {
  if (place.depth > deepest) throw new FormError(`${place.path} is nested too deep`);
  if (type.startsWith('*')) return absent(value) ? 'null' : encode(type.slice(1), value, place);
  if (type.startsWith('[]')) return encodeList(type.slice(2), value, place);
  if (type.startsWith('{}')) return encodeMap(type.slice(2), value, place);
  if (type.startsWith('~')) return encodeSpecial(type.slice(1), value, place);
  const fields = structs.get(type);
  return fields === undefined ? encodeScalar(type, value, place) : encodeStruct(fields, value ?? {}, place);
}

function encodeStruct(fields: readonly Field[], value: unknown, place: Place): string {
  const given = objectAt(value, place);
  const unknown = Object.keys(given).find((key) => !absent(given[key]) && !fields.some(([name]) => name === key));
  if (unknown !== undefined) throw new FormError(`${inside(place, unknown).path} is not a field of the signed form`);
  const parts = fields.flatMap(([name, flags, type]) => {
    const inner = Object.hasOwn(given, name) ? given[name] : undefined;
    if (isLeftOut(flags, type, inner) && !(place.nullTimes && type === '~Time')) return [];
    return [`${goString(name)}:${encode(type, inner, inside(place, name))}`];
  });
  return `{${parts.join(',')}}`;
}

/** Structs are never empty to omitempty; pointers are when they are nil. */
function isLeftOut(flags: string, type: string, value: unknown): boolean {
  if (flags === '') return false;
  const isStruct = structs.has(type) || type.startsWith('~');
  if (absent(value)) return flags.includes('0') || !isStruct;
  return !isStruct && !type.startsWith('*') && isZero(value);
}

function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object') return Object.keys(value ?? {}).length === 0;
  return value === '' || value === 0 || value === false;
}

function encodeList(type: string, value: unknown, place: Place): string {
  if (absent(value)) return 'null';
  if (!Array.isArray(value)) throw new FormError(`${place.path} is not a list`);
  return `[${value.map((item, index) => encode(type, item, inside(place, String(index)))).join(',')}]`;
}

function encodeMap(type: string, value: unknown, place: Place): string {
  if (absent(value)) return 'null';
  const entries = Object.entries(objectAt(value, place)).sort(([left], [right]) => byBytes(left, right));
  return `{${entries.map(([key, inner]) => `${goString(key)}:${encode(type, inner, inside(place, key))}`).join(',')}}`;
}

function encodeScalar(type: string, value: unknown, { path }: Place): string {
  const zero = { string: '""', number: '0', bool: 'false' }[type];
  if (zero === undefined) throw new FormError(`${path} has no signed form`);
  if (absent(value)) return zero;
  if (typeof value !== (type === 'bool' ? 'boolean' : type)) throw new FormError(`${path} is not a ${type}`);
  return typeof value === 'string' ? goString(value) : JSON.stringify(value);
}

const encodeJson = (value: unknown) => (absent(value) ? 'null' : goJson(value));

/** Types of Go that write themselves. */
const specials: ReadonlyMap<string, (value: unknown) => string> = new Map([
  ['Time', encodeJson],
  ['RawExtension', encodeJson],
  ['FieldsV1', encodeJson],
  ['Quantity', (value) => goString(canonicalQuantity((value ?? '0') as string | number))],
  ['IntOrString', (value) => (typeof value === 'string' ? goString(value) : JSON.stringify(value ?? 0))],
  ['Duration', (value) => goString(formatDuration(parseDuration(typeof value === 'string' ? value : '0s')))],
  ['ParamValue', (value) => goJson(toParamValue(value))],
]);

function encodeSpecial(type: string, value: unknown, place: Place): string {
  const encodeType = specials.get(type);
  if (encodeType === undefined) throw new FormError(`${place.path} has no signed form`);
  try {
    return encodeType(value);
  } catch (error) {
    throw new FormError(`${place.path}: ${messageOf(error)}`, { cause: error });
  }
}

function objectAt(value: unknown, { path }: Place): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FormError(`${path || 'the definition'} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function absent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function inside(place: Place, name: string): Place {
  return { ...place, path: place.path === '' ? name : `${place.path}.${name}`, depth: place.depth + 1 };
}
