/** Deeper than what any kind of ours holds; recursion has an end too. */
const DEEPEST = 200;

/**
 * Whether two values are the same as JSON: the order of fields does not count, nor does a field without a value. What
 * is nested deeper than 200 levels is never the same.
 */
export function isSameJson(left: unknown, right: unknown, depth = 0): boolean {
  if (left === right) return true;
  if (depth > DEEPEST || !isHolder(left) || !isHolder(right)) return false;
  if (Array.isArray(left)) return Array.isArray(right) && areSameItems(left, right, depth);
  return !Array.isArray(right) && areSameFields(left, right, depth);
}

/** JSON writes null for an item without a value. */
function areSameItems(left: unknown[], right: unknown[], depth: number): boolean {
  return (
    left.length === right.length && left.every((item, at) => isSameJson(item ?? null, right[at] ?? null, depth + 1))
  );
}

type Holder = Record<string, unknown>;

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null;
}

function areSameFields(left: Holder, right: Holder, depth: number): boolean {
  for (const name of Object.keys(left))
    if (left[name] !== undefined && !isSameJson(left[name], fieldOf(right, name), depth + 1)) return false;
  for (const name of Object.keys(right))
    if (right[name] !== undefined && fieldOf(left, name) === undefined) return false;
  return true;
}

/** A field called `constructor` is one only when it is the object's own. */
function fieldOf(holder: Holder, name: string): unknown {
  return Object.hasOwn(holder, name) ? holder[name] : undefined;
}
