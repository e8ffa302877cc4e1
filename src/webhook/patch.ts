import { isJsonObject } from '../json-object.ts';

/** One step of a JSON Patch (RFC 6902). */
export type PatchOperation = { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string };

/**
 * What makes `after` of `before`. Lists of the same length are compared item by item, others are replaced whole: no
 * search for the shortest patch, whose cost would be the sender's to choose.
 */
export function jsonPatch(before: unknown, after: unknown, path = ''): PatchOperation[] {
  if (Object.is(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((item, index) => jsonPatch(item, after[index], `${path}/${index}`));
  if (isJsonObject(before) && isJsonObject(after)) return objectPatch(before, after, path);
  return isSame(before, after) ? [] : [{ op: 'replace', path, value: after }];
}

function objectPatch(before: Record<string, unknown>, after: Record<string, unknown>, path: string): PatchOperation[] {
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key) || after[key] === undefined);
  const present = Object.entries(after).filter(([, value]) => value !== undefined);
  return [
    ...removed.map((key) => ({ op: 'remove' as const, path: `${path}/${escaped(key)}` })),
    ...present.flatMap(([key, value]): PatchOperation[] => {
      const inner = `${path}/${escaped(key)}`;
      return Object.hasOwn(before, key) ? jsonPatch(before[key], value, inner) : [{ op: 'add', path: inner, value }];
    }),
  ];
}

/** Empty lists, or two of different kinds. */
function isSame(before: unknown, after: unknown): boolean {
  return Array.isArray(before) && Array.isArray(after) && before.length === 0 && after.length === 0;
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
