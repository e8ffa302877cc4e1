import { isSameJson } from '../same-json.ts';
import type { KubeObject } from './object.ts';
import { isJsonObject } from '../json-object.ts';

interface Parts {
  spec?: unknown;
  status?: unknown;
}

/**
 * With the spec of the object before it, and the parts of its status, where they are the same: what follows from one is
 * kept as long as the part itself (core/digest, graphs), and most changes are of a small part.
 */
export function withSameParts<T extends KubeObject & Parts>(object: T, old: T | undefined): T {
  if (old === undefined) return object;
  return { ...object, ...sameFields(object, old, ['spec']), ...sameStatus(object.status, old.status) };
}

function sameStatus(status: unknown, old: unknown): Parts {
  if (!isJsonObject(status) || !isJsonObject(old)) return {};
  return { status: { ...status, ...sameFields(status, old, Object.keys(status)) } };
}

/** Of these fields the old values that are the same as the new ones. */
function sameFields<F extends object, K extends keyof F>(now: F, old: F, names: readonly K[]): Partial<F> {
  const same: Partial<F> = {};
  for (const name of names)
    if (typeof old[name] === 'object' && isSameJson(now[name], old[name])) same[name] = old[name];
  return same;
}
