/**
 * Readers of what no schema has checked: kinds whose CRDs let everything through, and fields that are kept as they are.
 */

import { fieldsOf, type JsonObject } from '../../json-object.ts';

/** The objects of a list; none of what is no list. */
export function itemsOf(value: unknown): readonly Readonly<JsonObject>[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

/** A text as it stands, anything else as JSON; empty for what is missing. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : (JSON.stringify(value) ?? '');
}
