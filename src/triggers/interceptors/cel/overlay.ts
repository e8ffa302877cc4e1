import { isCelList, isCelMap, isCelUint, type CelValue } from '@bufbuild/cel';
import { fieldsOf } from '../../../json-object.ts';

/** Why a value cannot become an extension. */
export class OverlayError extends Error {
  override name = 'OverlayError';
}

/** A value as JSON, as upstream's extensions have it: bytes are base64; null and uint alone are refused there too. */
export function jsonOf(value: CelValue): unknown {
  if (value === null || isCelUint(value)) throw notJson(value === null ? 'null' : 'uint');
  return nested(value);
}

function nested(value: CelValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return finite(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isCelUint(value)) return Number(value.value);
  if (isCelList(value)) return [...value].map(nested);
  if (isCelMap(value))
    return Object.fromEntries([...value.entries()].map(([key, item]) => [keyText(key), nested(item)]));
  throw notJson('a value of another type');
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw notJson(String(value));
  return value;
}

function keyText(key: unknown): string {
  if (typeof key !== 'string')
    throw new OverlayError(`failed to convert overlay result to type: its keys are no texts`);
  return key;
}

function notJson(what: string): OverlayError {
  return new OverlayError(
    `failed to convert overlay result to type: ${what} has no form in JSON; use string(), int() or double()`,
  );
}

/** Extensions with one more value: dots in the key lead into objects, `\.` is a dot. */
export function withOverlay(
  extensions: Readonly<Record<string, unknown>>,
  key: string,
  value: unknown,
): Record<string, unknown> {
  const path = key.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'));
  if (path.some((part) => part === '')) throw new OverlayError(`overlay key ${JSON.stringify(key)} has an empty part`);
  return put(extensions, path, value);
}

function put(
  target: Readonly<Record<string, unknown>>,
  path: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const [name = '', ...rest] = path;
  const all = new Map(Object.entries(target));
  all.set(name, rest.length === 0 ? value : put(fieldsOf(all.get(name)), rest, value));
  return Object.fromEntries(all);
}
