import { toParamValue, type ParamValue } from '../../api/pipeline/v1/params.ts';

/**
 * What `$(…)` stands for. Keys are the inner texts without `$(` and `)`: `params.x`, `params['x']`,
 * `context.taskRun.name`. An array is reached whole as `$(key)` or `$(key[*])`; its elements and an object's keys are
 * entries of `strings`.
 */
export interface Replacements {
  strings: Map<string, string>;
  arrays: Map<string, string[]>;
  objects: Map<string, Record<string, string>>;
}

export function emptyReplacements(): Replacements {
  return { strings: new Map(), arrays: new Map(), objects: new Map() };
}

/** Only strings, from a plain record. */
export function stringReplacements(entries: Record<string, string>): Replacements {
  return { ...emptyReplacements(), strings: new Map(Object.entries(entries)) };
}

/** One set of replacements from several; a later one wins. */
export function mergeReplacements(...all: Replacements[]): Replacements {
  const merged = emptyReplacements();
  for (const one of all) {
    for (const [key, value] of one.strings) merged.strings.set(key, value);
    for (const [key, value] of one.arrays) merged.arrays.set(key, value);
    for (const [key, value] of one.objects) merged.objects.set(key, value);
  }
  return merged;
}

// No parentheses inside: of `$($(params.x))` only the inner reference is one.
const REFERENCE = /\$\(([^()]*)\)/g;
const ISOLATED = /^\$\(([^()]*)\)$/;

/** The inner texts of all `$(…)` in a text, in order, repetitions included. */
export function references(text: string): string[] {
  return Array.from(text.matchAll(REFERENCE), (match) => match[1] ?? '');
}

/** The inner texts of all `$(…)` in every string of a JSON tree. */
export function referencesIn(tree: unknown): string[] {
  if (typeof tree === 'string') return references(tree);
  if (Array.isArray(tree)) return tree.flatMap(referencesIn);
  if (tree !== null && typeof tree === 'object') return Object.values(tree).flatMap(referencesIn);
  return [];
}

/**
 * Replaces every known string reference in one pass: what a value contains is never replaced again (upstream #2093).
 * Unknown references stay as they are, since the kubelet and shells have a use for `$(…)` too.
 */
export function replaceString(text: string, r: Replacements): string {
  if (!text.includes('$(')) return text;
  return text.replace(REFERENCE, (whole, key: string) => r.strings.get(key) ?? whole);
}

/**
 * The name of the array or object that a text consists of, `$(params.a)` or `$(params.a[*])`; undefined when there is
 * more or less.
 */
function isolatedReference(text: string): string | undefined {
  return ISOLATED.exec(text)?.[1]?.replace(/\[\*\]$/, '');
}

/** Replaces in each item; an item that is nothing but a reference to an array becomes that array's elements. */
export function replaceArray(list: readonly string[], r: Replacements): string[] {
  return list.flatMap((item) => {
    const name = isolatedReference(item);
    const elements = name === undefined ? undefined : r.arrays.get(name);
    return elements ?? [replaceString(item, r)];
  });
}

/**
 * Replaces in a param's value as the user wrote it. A string that is nothing but a reference to an array or object
 * takes that value and type.
 */
export function replaceParamValue(json: unknown, r: Replacements): ParamValue {
  const value = toParamValue(json);
  if (Array.isArray(value)) return replaceArray(value, r);
  if (typeof value === 'object') return replaceDeep(value, r);
  const name = isolatedReference(value);
  const whole = name === undefined ? undefined : (r.objects.get(name) ?? r.arrays.get(name));
  if (whole !== undefined) return Array.isArray(whole) ? [...whole] : { ...whole };
  return replaceString(value, r);
}

/**
 * Replaces in every string of a JSON tree (values, not keys). Lists of strings expand array references in place.
 * Returns the same object where nothing changed.
 */
export function replaceDeep<T>(tree: T, r: Replacements): T {
  if (typeof tree === 'string') return replaceString(tree, r) as T;
  if (Array.isArray(tree)) return replaceList(tree, r) as T;
  if (tree === null || typeof tree !== 'object') return tree;
  const entries: [string, unknown][] = Object.entries(tree);
  const replaced = entries.map(([key, value]): [string, unknown] => [key, replaceDeep(value, r)]);
  const changed = replaced.some(([, value], index) => value !== entries[index]?.[1]);
  return changed ? (Object.fromEntries(replaced) as T) : tree;
}

/**
 * Replaces kind by kind: what one kind of variable puts in may hold variables of the kinds after it, as upstream does
 * for params that hold `$(context.taskRun.name)`, but never of its own.
 */
export function replaceInTurn<T>(tree: T, ...kinds: readonly Replacements[]): T {
  return kinds.reduce<T>((replaced, kind) => replaceDeep(replaced, kind), tree);
}

function replaceList(list: unknown[], r: Replacements): unknown[] {
  let changed = false;
  const replaced = list.flatMap((item) => {
    const now: unknown[] = typeof item === 'string' ? replaceArray([item], r) : [replaceDeep(item, r)];
    changed ||= now.length !== 1 || now[0] !== item;
    return now;
  });
  return changed ? replaced : list;
}
