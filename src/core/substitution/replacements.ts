import { toParamValue, type ParamValue } from '../../api/pipeline/v1/param-value.ts';
import { eachReference, isolatedReference } from '../../api/variables/scan.ts';
import { Budget } from '../budget.ts';
import { Replacements } from './variables.ts';

export { Replacements } from './variables.ts';

/** Only texts, by their whole names. */
export function stringReplacements(entries: Readonly<Record<string, string>>): Replacements {
  return Replacements.ofTexts(new Map(Object.entries(entries)));
}

/** One set of replacements from several; a later one wins. */
export function mergeReplacements(...all: Replacements[]): Replacements {
  return Replacements.merged(all);
}

/** What replaced text may come to when nobody said how much is left. */
function newBudget(): Budget {
  return new Budget('text with its variables replaced', 'put in smaller values, or put them in less often');
}

/**
 * Replaces every known string reference in one pass: what a value contains is never replaced again (upstream #2093).
 * Unknown references stay as they are, since the kubelet and shells have a use for `$(…)` too.
 * @param budget what the text may grow by; @throws TooLargeError before anything larger is built
 */
export function replaceString(text: string, r: Replacements, budget = newBudget()): string {
  const parts: string[] = [];
  let copied = 0;
  let growth = 0;
  eachReference(text, (inner, start, end) => {
    const value = r.text(inner);
    if (value === undefined) return;
    parts.push(text.slice(copied, start), value);
    copied = end;
    growth += value.length - (end - start);
  });
  if (parts.length === 0) return text;
  budget.spend(growth);
  return parts.join('') + text.slice(copied);
}

/** JSON needs quotes and a comma for each. */
const perText = 3;

function sizeOf(value: string[] | Record<string, string>): number {
  if (Array.isArray(value)) return value.reduce((sum, text) => sum + text.length + perText, 0);
  return Object.entries(value).reduce((sum, [key, text]) => sum + key.length + text.length + 2 * perText, 0);
}

/** Replaces in each item; an item that is nothing but a reference to an array becomes that array's elements. */
export function replaceArray(list: readonly string[], r: Replacements, budget = newBudget()): string[] {
  const replaced: string[] = [];
  for (const item of list) {
    const elements = elementsFor(item, r, budget);
    if (elements === undefined) replaced.push(replaceString(item, r, budget));
    else for (const element of elements) replaced.push(element);
  }
  return replaced;
}

function elementsFor(item: string, r: Replacements, budget: Budget): string[] | undefined {
  const name = isolatedReference(item);
  const whole = name === undefined ? undefined : r.whole(name);
  if (!Array.isArray(whole)) return undefined;
  budget.spend(sizeOf(whole) - item.length);
  return whole;
}

/**
 * Replaces in a param's value as the user wrote it. A string that is nothing but a reference to an array or object
 * takes that value and type.
 */
export function replaceParamValue(json: unknown, r: Replacements, budget = newBudget()): ParamValue {
  const value = toParamValue(json);
  if (Array.isArray(value)) return replaceArray(value, r, budget);
  if (typeof value === 'object') return replaceDeep(value, r, budget);
  const name = isolatedReference(value);
  const whole = name === undefined ? undefined : r.whole(name);
  if (whole === undefined) return replaceString(value, r, budget);
  budget.spend(sizeOf(whole));
  return Array.isArray(whole) ? [...whole] : { ...whole };
}

/**
 * Replaces in every string of a JSON tree (values, not keys). Lists of strings expand array references in place.
 * Returns the same object where nothing changed.
 */
export function replaceDeep<T>(tree: T, r: Replacements, budget = newBudget()): T {
  if (typeof tree === 'string') return replaceString(tree, r, budget) as T;
  if (Array.isArray(tree)) return replaceList(tree, r, budget) as T;
  if (tree === null || typeof tree !== 'object') return tree;
  let changed = false;
  const replaced = Object.entries(tree).map(([key, value]: [string, unknown]): [string, unknown] => {
    const now = replaceDeep(value, r, budget);
    changed ||= now !== value;
    return [key, now];
  });
  return changed ? (Object.fromEntries(replaced) as T) : tree;
}

/**
 * Replaces kind by kind: what one kind of variable puts in may hold variables of the kinds after it, as upstream does
 * for params that hold `$(context.taskRun.name)`, but never of its own.
 */
export function replaceInTurn<T>(tree: T, kinds: readonly Replacements[], budget = newBudget()): T {
  return kinds.reduce<T>((replaced, kind) => replaceDeep(replaced, kind, budget), tree);
}

function replaceList(list: unknown[], r: Replacements, budget: Budget): unknown[] {
  let changed = false;
  const replaced: unknown[] = [];
  for (const item of list) {
    const elements = typeof item === 'string' ? elementsFor(item, r, budget) : undefined;
    if (elements === undefined) {
      const now: unknown = replaceDeep(item, r, budget);
      changed ||= now !== item;
      replaced.push(now);
    } else {
      changed = true;
      for (const element of elements) replaced.push(element);
    }
  }
  return changed ? replaced : list;
}
