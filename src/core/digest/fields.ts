import { sortedJson } from './canonical-json.ts';
import { fixedPart, shortDigestOfJson } from './record.ts';
import { onceFor } from '../../memo.ts';

/** Values whose JSON is no longer than this are recorded as they are, so that they can be had back. */
const longestKept = 64;

/**
 * What is recorded of a value: its canonical JSON when that is short, else `#` and its digest. Equal only for equal
 * values.
 */
export function kept(value: unknown): string {
  const json = sortedJson(value);
  return json.length <= longestKept ? json : `#${shortDigestOfJson(json)}`;
}

/** The record of an object, field by field: JSON of field name to `kept` value. */
export function fieldRecord(value: object): string {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return sortedJson(Object.fromEntries(fields.map(([name, field]) => [name, kept(field)])));
}

/** Objects of the caches do not change in place. */
const fixedRecord = onceFor((spec: object) => fieldRecord(fixedPart(spec)));

/** The record of a run's spec, without what users may still change. */
export function specRecord(spec: object): string {
  return fixedRecord(spec);
}

/** The fields of an object that are not as recorded, in order of name; undefined for a record that cannot be read. */
export function changedFields(record: string, value: object): string[] | undefined {
  if (record === fieldRecord(value)) return [];
  const before = readFields(record);
  if (before === undefined) return undefined;
  const now = readFields(fieldRecord(value)) ?? new Map<string, string>();
  const names = new Set([...before.keys(), ...now.keys()]);
  return [...names].filter((name) => before.get(name) !== now.get(name)).sort();
}

/**
 * The object as it was recorded: fields that were changed have their recorded value, where that was short enough to be
 * kept; `lost` names those that have not and are left out: all of them where the record cannot be read.
 */
export function restoredFields(record: string, value: object): { value: Record<string, unknown>; lost: string[] } {
  const before = readFields(record);
  if (before === undefined) return { value: {}, lost: Object.keys(value).sort() };
  const entries = new Map<string, unknown>(Object.entries(value));
  const lost: string[] = [];
  for (const name of changedFields(record, value) ?? []) {
    const was = before.get(name);
    if (was === undefined) entries.delete(name);
    else if (!was.startsWith('#')) entries.set(name, JSON.parse(was));
    else {
      entries.delete(name);
      lost.push(name);
    }
  }
  return { value: Object.fromEntries(entries), lost };
}

function readFields(record: string): Map<string, string> | undefined {
  try {
    const parsed: unknown = JSON.parse(record);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return new Map(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return undefined;
  }
}
