import { toParamValue, type Param, type ParamSpec, type ParamValue } from '../../api/pipeline/v1/params.ts';
import { emptyReplacements, referencesIn, replaceParamValue, type Replacements } from '../substitution/replacements.ts';

/** The three spellings of a variable: `params.x`, `params['x']`, `params["x"]`. */
export function spellings(prefix: string, name: string): string[] {
  return [`${prefix}.${name}`, `${prefix}['${name}']`, `${prefix}["${name}"]`];
}

/** Adds one value under all its spellings: whole, `[*]`, `[0]`… and `.key`. */
export function addValue(r: Replacements, prefix: string, name: string, value: ParamValue): void {
  for (const spelling of spellings(prefix, name)) {
    if (Array.isArray(value)) {
      r.arrays.set(spelling, value);
      value.forEach((element, index) => r.strings.set(`${spelling}[${index}]`, element));
    } else if (typeof value === 'object') {
      r.objects.set(spelling, value);
      for (const [key, text] of Object.entries(value)) r.strings.set(`${spelling}.${key}`, text);
    } else {
      r.strings.set(spelling, value);
    }
  }
}

/**
 * No object of the API server may be larger than 1.5 MiB: a value above this could not be stored, whatever became of
 * it.
 */
const largestValue = 1_000_000;

/**
 * The value of every param: what is given, else the declared default, in which references to other params are replaced.
 * Keys that a given object leaves out come from the default (docs/taskruns.md "Specifying Parameters"). Given params
 * that are not declared are kept: embedded specs may use them (propagated params). References in a cycle stay as text,
 * and so do those of a default that would grow too large by them: two of the one before, twenty times over, are a
 * million of the first.
 * @param tooLarge is told the names of such params
 */
export function effectiveParams(
  specs: readonly ParamSpec[],
  given: readonly Param[],
  tooLarge: (name: string) => void = () => {},
): Map<string, ParamValue> {
  const values = new Map(given.map((param) => [param.name, toParamValue(param.value)]));
  const declared = new Map(specs.map((spec) => [spec.name, spec]));
  const settled = new Map<string, ParamValue>();
  const open = new Set<string>();

  const settle = (name: string): ParamValue | undefined => {
    const known = settled.get(name);
    if (known !== undefined) return known;
    const own = values.get(name);
    const spec = declared.get(name);
    const fallback = spec?.default === undefined ? undefined : toParamValue(spec.default);
    const completes = own !== undefined && isObject(own) && fallback !== undefined && isObject(fallback);
    if (own !== undefined && !completes) return keep(name, own);
    if (fallback === undefined || open.has(name)) return undefined;
    open.add(name);
    const others = othersNeededBy(fallback);
    const fits = grownSize(fallback, others) <= largestValue;
    if (!fits) tooLarge(name);
    const replaced = fits ? replaceParamValue(fallback, others) : fallback;
    open.delete(name);
    return keep(name, completes && isObject(replaced) ? { ...replaced, ...own } : replaced);
  };
  const keep = (name: string, value: ParamValue): ParamValue => {
    settled.set(name, value);
    return value;
  };
  const othersNeededBy = (value: ParamValue): Replacements => {
    const r = emptyReplacements();
    for (const name of new Set(referencesIn(value).flatMap((reference) => paramNames(reference, declared, values)))) {
      const other = settle(name);
      if (other !== undefined) for (const prefix of ['params', 'inputs.params']) addValue(r, prefix, name, other);
    }
    return r;
  };

  for (const name of new Set([...declared.keys(), ...values.keys()])) settle(name);
  return settled;
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
  const r = emptyReplacements();
  for (const [name, value] of effectiveParams(specs, given)) {
    for (const prefix of prefixes.length > 0 ? prefixes : ['params']) addValue(r, prefix, name, value);
  }
  return r;
}

/** At most how many characters a value has once its references are replaced. */
function grownSize(value: ParamValue, others: Replacements): number {
  const sizeOf = (reference: string): number => {
    const whole = reference.replace(/\[\*\]$/, '');
    return (
      others.strings.get(reference)?.length ??
      JSON.stringify(others.arrays.get(whole) ?? others.objects.get(whole) ?? '').length
    );
  };
  return referencesIn(value).reduce((sum, reference) => sum + sizeOf(reference), JSON.stringify(value).length);
}

function isObject(value: ParamValue): value is Record<string, string> {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Params that `params.a.b[0]` may mean: `a.b` (names may have dots) or key `b` of `a`. */
function paramNames(reference: string, ...known: ReadonlyMap<string, unknown>[]): string[] {
  const match = /^(?:inputs\.)?params(?:\.([^[\]]+)|\[(['"])(.+?)\2\])/.exec(reference);
  const text = match?.[1] ?? match?.[3];
  if (text === undefined) return [];
  const parts = text.split('.');
  const candidates = parts.map((_, index) => parts.slice(0, index + 1).join('.'));
  return candidates.filter((name) => known.some((names) => names.has(name)));
}
