import { toParamValue, type Param, type ParamSpec, type ParamValue } from '../../api/pipeline/v1/params.ts';
import { referencesIn } from '../../api/variables/scan.ts';
import { Budget, TooLargeError } from '../budget.ts';
import { replaceParamValue, Replacements } from '../substitution/replacements.ts';

/** A value above this could not be stored, whatever became of it. */
const largestValue = 1_000_000;
/** All defaults together, and all that was tried in vain: what fits into one object leaves them far below it. */
const largestTotal = 4 * largestValue;

/** The last answer: a plan asks for the same params many times. */
let last: { specs: readonly ParamSpec[]; given: readonly Param[]; result: EffectiveParams } | undefined;

export interface EffectiveParams {
  values: ReadonlyMap<string, ParamValue>;
  /** Params whose defaults would grow too large by the params that they name; these stay as text. */
  tooLarge: readonly string[];
}

/**
 * The value of every param: what is given, else the declared default, in which references to other params are replaced.
 * Keys that a given object leaves out come from the default (docs/taskruns.md "Specifying Parameters"). Given params
 * that are not declared are kept: embedded specs may use them (propagated params). References in a cycle stay as text,
 * and so do those of a default that would grow too large by them: two of the one before, twenty times over, are a
 * million of the first.
 */
export function effectiveParams(specs: readonly ParamSpec[], given: readonly Param[]): EffectiveParams {
  if (last && isSame(last.specs, specs) && isSame(last.given, given)) return last.result;
  const defaults = new Defaults(specs, given);
  for (const name of new Set([...specs.map((spec) => spec.name), ...given.map((param) => param.name)]))
    defaults.settle(name);
  last = { specs, given, result: { values: defaults.settled, tooLarge: defaults.tooLarge } };
  return last.result;
}

/** Specs do not change in place. */
function isSame(before: readonly unknown[], now: readonly unknown[]): boolean {
  return before === now || before.length + now.length === 0;
}

/** A param whose default waits for the params that it names. */
interface Waiting {
  name: string;
  fallback: ParamValue;
  own: ParamValue | undefined;
  /** Not looked at yet. */
  needed: string[];
}

class Defaults {
  readonly settled = new Map<string, ParamValue>();
  readonly tooLarge: string[] = [];
  readonly #given: ReadonlyMap<string, ParamValue>;
  readonly #declared: ReadonlyMap<string, ParamSpec>;
  readonly #open = new Set<string>();
  #spent = 0;

  constructor(specs: readonly ParamSpec[], given: readonly Param[]) {
    this.#given = new Map(given.map((param) => [param.name, toParamValue(param.value)]));
    this.#declared = new Map(specs.map((spec) => [spec.name, spec]));
  }

  /** What a default needs is settled before it. Not by recursion: a chain may be longer than the stack is deep. */
  settle(name: string): void {
    const stack = this.#begin(name);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.needed.pop();
      if (next !== undefined) stack.push(...this.#begin(next));
      else this.#finish(stack.pop() ?? top);
    }
  }

  /** Settles what needs nothing else. */
  #begin(name: string): Waiting[] {
    if (this.settled.has(name) || this.#open.has(name)) return [];
    const own = this.#given.get(name);
    const given = this.#declared.get(name)?.default;
    const fallback = given === undefined ? undefined : toParamValue(given);
    if (own !== undefined && !completes(fallback, own)) {
      this.settled.set(name, own);
      return [];
    }
    if (fallback === undefined) return [];
    this.#open.add(name);
    const needed = new Set(referencesIn(fallback).flatMap((reference) => this.#paramsOf(reference)));
    return [{ name, fallback, own, needed: [...needed].reverse() }];
  }

  #finish({ name, fallback, own }: Waiting): void {
    this.#open.delete(name);
    const value = this.#replaced(name, fallback);
    this.settled.set(name, own !== undefined && isObject(own) && isObject(value) ? { ...value, ...own } : value);
  }

  #replaced(name: string, fallback: ParamValue): ParamValue {
    const budget = new Budget(`default of param ${name}`, 'make it smaller', this.#room(fallback));
    try {
      // Made anew each time: it remembers what it found, and more is settled by now.
      return replaceParamValue(fallback, valuesUnder(this.settled, ['params', 'inputs.params']), budget);
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error;
      this.tooLarge.push(name);
      return fallback;
    } finally {
      this.#spent += Math.min(budget.spent, largestValue);
    }
  }

  /** Characters that a default may grow by. */
  #room(fallback: ParamValue): number {
    const own = typeof fallback === 'string' ? fallback.length : 0;
    return Math.max(0, Math.min(largestValue - own, largestTotal - this.#spent));
  }

  /** Params that `params.a.b[0]` may mean: `a.b` (names may have dots) or key `b` of `a`. */
  #paramsOf(reference: string): string[] {
    const text = nameIn(reference);
    if (text === undefined) return [];
    const candidates = [text];
    let dot = text.indexOf('.');
    for (; dot >= 0 && candidates.length <= mostDots; dot = text.indexOf('.', dot + 1))
      candidates.push(text.slice(0, dot));
    return candidates.filter((name) => this.#declared.has(name) || this.#given.has(name));
  }
}

/** Whether a default has keys that the given value may have left out. */
function completes(fallback: ParamValue | undefined, own: ParamValue): boolean {
  return fallback !== undefined && isObject(fallback) && isObject(own);
}

/** Names of objects have no dots; more than a few in a reference belong to the name of a list or text. */
const mostDots = 8;

/** What stands for the name in `params.x…`, `params['x']…` and `inputs.params.x…`. */
function nameIn(reference: string): string | undefined {
  const match = /^(?:inputs\.)?params(?:\.([^[\]]+)|\[(['"])(.+?)\2\])/.exec(reference);
  return match?.[1] ?? match?.[3];
}

/** Values by name under each prefix. */
export function valuesUnder(values: ReadonlyMap<string, ParamValue>, prefixes: readonly string[]): Replacements {
  return Replacements.ofValues(new Map(prefixes.map((prefix) => [prefix, values])));
}

/**
 * Replacements for params by declaration and given values, under each prefix (`params` when none is named).
 * Never throws: what is missing or of the wrong type is for checkParams to say.
 */
export function paramReplacements(
  specs: readonly ParamSpec[],
  given: readonly Param[],
  ...prefixes: string[]
): Replacements {
  return valuesUnder(effectiveParams(specs, given).values, prefixes.length > 0 ? prefixes : ['params']);
}

function isObject(value: ParamValue): value is Record<string, string> {
  return typeof value === 'object' && !Array.isArray(value);
}
